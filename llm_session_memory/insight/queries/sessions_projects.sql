-- title: Projects
-- topic: Forks and projects
-- means: The projects, the most expensive first: sessions, archived ones among them, calls, tokens, dollars, the budget in dollars if there is one, and the last use. The last line is for the named sessions without a project. Calls whose price is unknown are counted, but not priced.
-- param days: how many days to look back; empty for all
with members as (
    select s.thread_id, p.name_key, s.archived_utc
    from memory_sessions s
    left join memory_projects p on p.name_key = s.project
),
groups as (
    select name_key, count(*) as sessions, count(archived_utc) as archived from members group by name_key
),
calls as (
    select t.id, t.thread_id, t.model, t.datetime_utc, t.input_tokens, t.output_tokens from turns t
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
summed as (
    select
        m.name_key, count(*) as calls, sum(c.input_tokens) as tokens_in, sum(c.output_tokens) as tokens_out,
        sum(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)) as dollars,
        max(c.datetime_utc) as last_used
    from members m
    join calls c on c.thread_id = m.thread_id
    where (:days = '' or c.datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by m.name_key
),
known as (
    select name_key, name, budget_usd from memory_projects
    union all
    select null, null, null where exists (select 1 from groups where name_key is null)
)
select
    k.name as project,
    coalesce(g.sessions, 0) as sessions,
    coalesce(g.archived, 0) as archived,
    coalesce(u.calls, 0) as calls,
    u.tokens_in,
    u.tokens_out,
    round(u.dollars, 4) as dollars,
    k.budget_usd as budget,
    u.last_used
from known k
left join groups g on g.name_key is k.name_key
left join summed u on u.name_key is k.name_key
order by k.name_key is null, u.dollars desc, k.name_key

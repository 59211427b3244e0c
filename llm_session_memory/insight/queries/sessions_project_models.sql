-- title: Models by project
-- topic: Forks and projects
-- means: Which models the sessions of each project used: calls, tokens, dollars and the last use.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    p.name as project, c.model, count(*) as calls, sum(c.input_tokens) as tokens_in, sum(c.output_tokens) as tokens_out,
    round(sum(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)), 4) as dollars,
    max(c.datetime_utc) as last_used
from memory_sessions s
join memory_projects p on p.name_key = s.project
join calls c on c.thread_id = s.thread_id
group by p.name_key, p.name, c.model
order by p.name_key, calls desc, c.model

-- title: Projects per month
-- topic: Forks and projects
-- means: The sessions used, calls, tokens and dollars of each project, by month. Calls whose price is unknown are counted, but not priced.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    substr(c.datetime_utc, 1, 7) as month, p.name as project, count(distinct c.thread_id) as sessions, count(*) as calls,
    sum(c.input_tokens) as tokens_in, sum(c.output_tokens) as tokens_out,
    round(sum(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)), 4) as dollars
from memory_sessions s
join memory_projects p on p.name_key = s.project
join calls c on c.thread_id = s.thread_id
group by substr(c.datetime_utc, 1, 7), p.name_key, p.name
order by month desc, calls desc, p.name_key

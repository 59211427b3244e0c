-- title: Cost by session
-- topic: Cost and budgets
-- means: The sessions and conversations that cost the most, in US dollars. Calls whose price is unknown are counted, but not priced.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
summed as (
    select
        thread_id,
        sum(session_cost(model, input_tokens, output_tokens, datetime_utc)) as dollars,
        count(*) as calls
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by thread_id
    order by dollars desc, thread_id
    limit 100
)
select
    coalesce(s.name, c.name, h.name) as session,
    round(u.dollars, 4) as dollars,
    u.calls,
    u.thread_id
from summed u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.dollars desc, u.thread_id

-- title: Busiest sessions
-- topic: Conversations
-- means: The sessions and conversations with the most calls in the last few days.
-- param days: how many days to look back; empty for 7
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
summed as (
    select thread_id, count(*) as calls, sum(input_tokens) as tokens_in, sum(output_tokens) as tokens_out
    from calls
    where datetime_utc >= date('now', '-' || coalesce(nullif(cast(:days as integer), 0), 7) || ' days')
    group by thread_id
    order by calls desc, thread_id
    limit 100
)
select coalesce(s.name, c.name, h.name) as session, u.calls, u.tokens_in, u.tokens_out, u.thread_id
from summed u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.calls desc, u.thread_id

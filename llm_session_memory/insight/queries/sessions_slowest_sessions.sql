-- title: Slowest sessions
-- topic: Models
-- means: The sessions and conversations with the longest average wait for a call. Only those with at least three calls are included.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
summed as (
    select thread_id, count(*) as calls, avg(duration_ms) / 1000.0 as mean, max(duration_ms) / 1000.0 as longest,
        sum(duration_ms) / 1000.0 as waited
    from calls
    where duration_ms is not null
    group by thread_id
    having count(*) >= 3
    order by mean desc, thread_id
    limit 100
)
select
    coalesce(s.name, c.name, h.name) as session,
    u.calls,
    round(u.mean, 2) as seconds_a_call,
    round(u.longest, 2) as longest_call,
    round(u.waited, 1) as seconds_in_all,
    u.thread_id
from summed u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.mean desc, u.thread_id

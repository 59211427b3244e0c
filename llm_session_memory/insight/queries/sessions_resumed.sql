-- title: Conversations resumed after a pause
-- topic: Conversations
-- means: Calls that continued a conversation after a pause of days, the longest pause first.
-- param days: the fewest days of a pause; empty for 7
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
spread as (
    select thread_id
    from calls
    group by thread_id
    having julianday(max(datetime_utc)) - julianday(min(datetime_utc)) >= coalesce(nullif(cast(:days as integer), 0), 7)
),
gaps as (
    select
        id, thread_id, datetime_utc,
        lag(datetime_utc) over (partition by thread_id order by id) as before
    from calls
    where thread_id in (select thread_id from spread)
),
long as (
    select id, thread_id, before, datetime_utc, julianday(datetime_utc) - julianday(before) as days
    from gaps
    where before < datetime_utc
      and julianday(datetime_utc) - julianday(before) >= coalesce(nullif(cast(:days as integer), 0), 7)
    order by days desc, id
    limit 200
)
select
    coalesce(s.name, c.name, h.name) as session,
    round(u.days, 1) as days,
    u.before as last_used_before,
    u.datetime_utc as resumed,
    u.id as turn_id,
    u.thread_id
from long u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.days desc, u.id

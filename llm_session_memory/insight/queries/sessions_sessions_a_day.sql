-- title: Sessions and calls per day
-- topic: Activity
-- means: Conversations with at least one call, conversations that began, and calls, by day.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
spoken as (
    select thread_id, substr(datetime_utc, 1, 10) as day, count(*) as calls from calls group by thread_id, day
),
begun as (
    select thread_id, min(day) as day from spoken group by thread_id
)
select
    s.day,
    count(*) as conversations,
    count(b.thread_id) as begun,
    sum(s.calls) as calls
from spoken s
left join begun b on b.thread_id = s.thread_id and b.day = s.day
where :days = '' or s.day >= date('now', '-' || cast(:days as integer) || ' days')
group by s.day
order by s.day desc

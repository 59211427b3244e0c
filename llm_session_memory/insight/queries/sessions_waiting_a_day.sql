-- title: Waiting per day
-- topic: Activity
-- means: The time that calls took on each day (UTC): minutes in all, the average of a call and the longest one in seconds.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    substr(datetime_utc, 1, 10) as day,
    count(*) as calls,
    round(sum(duration_ms) / 60000.0, 1) as minutes,
    round(avg(duration_ms) / 1000.0, 2) as seconds_a_call,
    round(max(duration_ms) / 1000.0, 2) as longest
from calls
where duration_ms is not null and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by substr(datetime_utc, 1, 10)
order by day desc

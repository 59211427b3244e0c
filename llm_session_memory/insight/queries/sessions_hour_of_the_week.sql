-- title: Hour of the week
-- topic: Activity
-- means: The number of calls in each hour of the day (UTC), for each day of the week.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_hour as (
    select substr(datetime_utc, 1, 13) as begun, count(*) as calls
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by substr(datetime_utc, 1, 13)
),
spoken as (
    select
        cast(substr(begun, 12, 2) as integer) as hour,
        cast(strftime('%w', substr(begun, 1, 10)) as integer) as weekday,
        calls
    from by_hour
)
select
    hour,
    sum(calls) filter (where weekday = 1) as monday,
    sum(calls) filter (where weekday = 2) as tuesday,
    sum(calls) filter (where weekday = 3) as wednesday,
    sum(calls) filter (where weekday = 4) as thursday,
    sum(calls) filter (where weekday = 5) as friday,
    sum(calls) filter (where weekday = 6) as saturday,
    sum(calls) filter (where weekday = 0) as sunday,
    sum(calls) as all_days
from spoken
group by hour
order by hour

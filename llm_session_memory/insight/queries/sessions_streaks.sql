-- title: Days in a row
-- topic: Activity
-- means: The longest stretches of days (UTC) with at least one call on each day, and the calls in them.
with by_day as (
    select substr(datetime_utc, 1, 10) as day, count(*) as calls
    from (
        select datetime_utc from turns
        union all
        select r.datetime_utc from responses r where not exists (select 1 from turns t where t.id = r.id)
    ) calls
    where datetime_utc is not null
    group by substr(datetime_utc, 1, 10)
),
numbered as (
    -- The days of a stretch and their numbers grow together, so their difference is the same.
    select day, calls, cast(julianday(day) - 0.5 as integer) - row_number() over (order by day) as stretch from by_day
)
select min(day) as first_day, max(day) as last_day, count(*) as days, sum(calls) as calls
from numbered
group by stretch
order by days desc, last_day desc
limit 50

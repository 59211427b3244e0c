-- title: Time between calls
-- topic: Activity
-- means: How long after a reply the next call of the same conversation began, for the newest 100,000 calls. Servers keep their prompt caches for minutes: a later call pays for the whole request again.
-- param days: how many days to look back; empty for all
with newest as (
    select id, thread_id, datetime_utc, duration_ms
    from (select id, thread_id, datetime_utc, duration_ms from turns order by id desc limit 100000) t
    union all
    select r.id, r.conversation_id, r.datetime_utc, r.duration_ms
    from (select id, conversation_id, datetime_utc, duration_ms from responses order by id desc limit 100000) r
    where not exists (select 1 from turns t where t.id = r.id)
),
following as (
    select
        86400 * (julianday(datetime_utc) - julianday(lag(datetime_utc) over (partition by thread_id order by id)))
            - coalesce(lag(duration_ms) over (partition by thread_id order by id), 0) / 1000.0 as seconds
    from newest
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
),
steps (place, pause) as (
    values (1, 'under 10 seconds'), (2, '10 seconds to a minute'), (3, '1 to 5 minutes'),
        (4, '5 minutes to an hour'), (5, 'an hour to a day'), (6, 'more than a day')
),
sorted as (
    select
        case when seconds < 10 then 1 when seconds < 60 then 2 when seconds < 300 then 3 when seconds < 3600 then 4
            when seconds < 86400 then 5 else 6 end as place,
        count(*) as calls
    from following
    where seconds is not null
    group by 1
)
select s.pause, coalesce(f.calls, 0) as calls
from steps s
left join sorted f on f.place = s.place
order by s.place

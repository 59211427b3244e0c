-- A job's items by state, model and error: how many there are, and from when to when they were asked. `recent` are those
-- that ended since :since.
select
    i.state, i.model, i.error,
    count(*) as items,
    min(i.started_utc) as first_utc,
    max(i.ended_utc) as last_utc,
    count(*) filter (where datetime(i.ended_utc) >= datetime(:since)) as recent,
    min(i.started_utc) filter (where datetime(i.ended_utc) >= datetime(:since)) as recent_utc
from memory_job_items i
where i.job_id = :id
group by i.state, i.model, i.error
order by items desc

-- title: Slowest items
-- topic: Batch
-- means: The items of all jobs that took the longest, with job, model and the call that answered.
select
    round(86400 * (julianday(i.ended_utc) - julianday(i.started_utc)), 2) as seconds, j.name, i.position, i.id as item, i.model, i.state,
    i.turn_id
from memory_job_items i
join memory_jobs j on j.id = i.job_id
where i.started_utc is not null and i.ended_utc is not null
order by julianday(i.ended_utc) - julianday(i.started_utc) desc, i.job_id, i.position
limit 100

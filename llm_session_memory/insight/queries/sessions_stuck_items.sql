-- title: Stuck items
-- topic: Batch
-- means: The items that a process began but did not finish in time, for example because it crashed. Continue with: llm sessions job resume.
select j.name, i.position, i.id as item, i.owner, i.started_utc, i.lease_utc, i.tries
from memory_job_items i
join memory_jobs j on j.id = i.job_id
where i.state = 'running' and datetime(i.lease_utc) < datetime('now')
order by i.lease_utc, i.job_id, i.position
limit 500

-- title: Items that nobody works on
-- topic: Batch
-- means: The items that a process had begun and not ended when its time was up, such as after a crash. Continue with: llm sessions job resume.
select j.name, i.position, i.id as item, i.owner, i.started_utc, i.lease_utc, i.tries
from memory_job_items i
join memory_jobs j on j.id = i.job_id
where i.state = 'running' and datetime(i.lease_utc) < datetime('now')
order by i.lease_utc, i.job_id, i.position
limit 500

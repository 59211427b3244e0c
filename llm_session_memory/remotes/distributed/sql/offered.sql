-- What workers could take now: queues of open jobs with items that are left.
select q.name, q.model, q.is_async, q.tools, j.name as job, count(*) as items
from SCHEMA.remote_items i
join SCHEMA.remote_jobs j on j.id = i.job_id
join SCHEMA.remote_queues q on q.name = i.queue
where j.state = 'open' and i.state in ('waiting', 'running')
group by q.name, j.id
order by j.id, q.name

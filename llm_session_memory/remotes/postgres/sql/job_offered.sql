-- What workers could take now: queues of open jobs with items that are left.
select q.name, q.model, q.is_async, q.tools
from SCHEMA.remote_queues q
where exists (
    select from SCHEMA.remote_items i
    join SCHEMA.remote_jobs j on j.id = i.job_id
    where i.queue = q.name and j.state = 'open' and i.state in ('waiting', 'running')
)
order by q.name

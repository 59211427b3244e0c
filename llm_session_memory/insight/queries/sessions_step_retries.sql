-- title: Steps that were tried again
-- topic: Workflows
-- means: The steps of runs that needed more than one try or failed, with what went wrong, newest first.
select j.name, i.id as step, i.state, i.tries, i.error, i.ended_utc, i.turn_id
from memory_job_items i
join memory_jobs j on j.id = i.job_id
where j.kind = 'workflow' and (i.tries > 1 or i.state = 'failed')
order by i.ended_utc desc, i.job_id, i.position
limit 500

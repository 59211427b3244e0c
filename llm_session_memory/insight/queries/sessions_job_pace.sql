-- title: Pace of a job
-- topic: Batch
-- means: How many items of one job ended in each minute, with the average seconds of one: whether it slowed down.
-- param job: name or id of the job; empty for the newest one
with wanted as (
    select id from memory_jobs
    where :job = '' or id = :job or name_key = session_key(:job)
    order by id desc
    limit 1
)
select
    substr(ended_utc, 1, 16) as minute, count(*) as items, sum(state = 'done') as done, sum(state = 'failed') as failed,
    round(avg(86400 * (julianday(ended_utc) - julianday(started_utc))), 2) as seconds
from memory_job_items
where job_id = (select id from wanted) and ended_utc is not null
group by substr(ended_utc, 1, 16)
order by minute

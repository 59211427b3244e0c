-- title: Errors of jobs
-- topic: Batch
-- means: What went wrong with items, by the error's words: how many items, in how many jobs, how many are still failed, and the last time.
select
    substr(error, 1, 300) as error, count(*) as items, count(distinct job_id) as jobs, sum(state = 'failed') as failed,
    sum(state = 'done') as done_later, max(coalesce(ended_utc, started_utc)) as last_time
from memory_job_items
where error is not null and state <> 'skipped'
group by substr(error, 1, 300)
order by items desc, last_time desc, error
limit 200

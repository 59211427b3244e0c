-- title: Jobs
-- topic: Batch
-- means: The jobs (batches, workflow runs and reruns), newest first, with their items by state, the most that each may cost, and the minutes it has taken so far.
with counted as (
    select
        job_id, count(*) as items, sum(state = 'done') as done, sum(state = 'failed') as failed,
        sum(state in ('waiting', 'running')) as to_do, max(ended_utc) as last_utc
    from memory_job_items
    group by job_id
)
select
    j.name, j.kind, j.state, coalesce(c.items, 0) as items, c.done, c.failed, c.to_do, j.max_cost_usd as max_dollars,
    round(1440 * (julianday(coalesce(j.ended_utc, c.last_utc)) - julianday(j.created_utc)), 1) as minutes,
    j.created_utc, j.reason, j.id
from memory_jobs j
left join counted c on c.job_id = j.id
order by j.id desc

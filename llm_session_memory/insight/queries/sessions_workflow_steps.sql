-- title: Steps of workflows
-- topic: Workflows
-- means: The steps of all runs by name, where the items of a list count as one step: how often each ran, failed and was skipped, its average seconds, and its share of all seconds of steps.
with timed as (
    select
        case when instr(i.id, '[') > 0 then substr(i.id, 1, instr(i.id, '[') - 1) else i.id end as step,
        i.kind, i.state, i.job_id, i.tries, 86400 * (julianday(i.ended_utc) - julianday(i.started_utc)) as seconds
    from memory_job_items i
    join memory_jobs j on j.id = i.job_id
    where j.kind = 'workflow'
)
select
    step, min(kind) as kind, count(distinct job_id) as runs, sum(state = 'done') as done, sum(state = 'failed') as failed,
    sum(state = 'skipped') as skipped, sum(tries) as tries, round(avg(seconds), 2) as seconds,
    round(100.0 * sum(seconds) / nullif((select sum(seconds) from timed), 0), 1) as percent_of_seconds
from timed
group by step
order by percent_of_seconds desc, step

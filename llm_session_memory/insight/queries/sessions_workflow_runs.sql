-- title: Runs of workflows
-- topic: Workflows
-- means: The runs of workflows, newest first: steps done, failed and skipped, the minutes that all steps took together, and the minutes that passed. If steps ran at the same time, the first number is larger.
select
    j.name, j.state, count(i.position) as steps, sum(i.state = 'done') as done, sum(i.state = 'failed') as failed,
    sum(i.state = 'skipped') as skipped,
    round(sum(1440 * (julianday(i.ended_utc) - julianday(i.started_utc))), 2) as minutes_of_steps,
    round(1440 * (julianday(max(i.ended_utc)) - julianday(min(i.started_utc))), 2) as minutes,
    j.created_utc, j.reason, j.id
from memory_jobs j
left join memory_job_items i on i.job_id = j.id
where j.kind = 'workflow'
group by j.id
order by j.id desc

-- title: Items of a job
-- topic: Batch
-- means: The items of one job in their order: state, tries, model, seconds, what went wrong, and the call that answered.
-- param job: name or id of the job; empty for the newest one
with wanted as (
    select id from memory_jobs
    where :job = '' or id = :job or name_key = session_key(:job)
    order by id desc
    limit 1
)
select
    i.position, i.id as item, i.kind, i.state, i.tries, coalesce(i.model, t.model) as model, t.input_tokens, t.output_tokens,
    round(86400 * (julianday(i.ended_utc) - julianday(i.started_utc)), 2) as seconds, i.error, i.turn_id
from memory_job_items i
left join turns t on t.id = i.turn_id
where i.job_id = (select id from wanted)
order by i.position

-- title: Steps of a run
-- topic: Workflows
-- means: The steps of one run of a workflow in the order in which they began: what each needs, how long it waited since the run began and how long it took, in seconds, its tokens and dollars.
-- param job: name or id of the run; empty for the newest one
with wanted as (
    select id from memory_jobs
    where kind = 'workflow' and (:job = '' or id = :job or name_key = session_key(:job))
    order by id desc
    limit 1
),
answered as (
    select distinct i.job_id, i.position, i.kind, coalesce(c.turn_id, i.turn_id) as turn_id
    from memory_job_items i
    left join memory_contexts c on c.exchange_turn_id = i.turn_id
    where i.turn_id is not null
),
spent as (
    select
        a.position, sum(t.input_tokens) as tokens_in, sum(t.output_tokens) as tokens_out,
        sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)) as dollars
    from answered a
    join turns t on t.id = a.turn_id
    where a.job_id = (select id from wanted)
    group by a.position
)
select
    i.id as step, i.kind, i.state, i.needs_json as needs,
    round(86400 * (julianday(i.started_utc) - julianday(j.created_utc)), 1) as began_after,
    round(86400 * (julianday(i.ended_utc) - julianday(i.started_utc)), 2) as seconds,
    u.tokens_in, u.tokens_out, round(u.dollars, 4) as dollars, i.error, i.turn_id
from memory_job_items i
join memory_jobs j on j.id = i.job_id
left join spent u on u.position = i.position
where i.job_id = (select id from wanted)
order by i.started_utc is null, i.started_utc, i.position

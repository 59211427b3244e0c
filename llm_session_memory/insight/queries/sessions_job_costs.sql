-- title: Cost of jobs
-- topic: Batch
-- means: What the answers of each job cost, by model: items, calls with those of tools, tokens, and dollars in all and for one item. Calls that failed are not included.
with answered as (
    select distinct i.job_id, i.position, i.kind, coalesce(c.turn_id, i.turn_id) as turn_id
    from memory_job_items i
    left join memory_contexts c on c.exchange_turn_id = i.turn_id
    where i.turn_id is not null
)
select
    j.name, j.kind, t.model, count(distinct a.position) as items, count(*) as calls, sum(t.input_tokens) as tokens_in,
    sum(t.output_tokens) as tokens_out,
    round(sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)), 4) as dollars,
    round(sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)) / count(distinct a.position), 6) as dollars_an_item,
    j.id
from answered a
join memory_jobs j on j.id = a.job_id
join turns t on t.id = a.turn_id
group by j.id, t.model
order by j.id desc, dollars desc, t.model

-- What the answers of each job's items took, for some jobs (:ids, a JSON array).
select
    i.job_id,
    count(*) as calls,
    sum(i.input_tokens) as input_tokens,
    sum(i.output_tokens) as output_tokens,
    sum(i.duration_ms) as duration_ms,
    sum(i.cost_usd) as cost,
    count(i.cost_usd) as priced,
    count(i.input_tokens) as counted,
    sum(case when i.cost_usd is null then session_is_local(i.model) else 0 end) as local
from json_each(:ids) w
join memory_job_items i on i.job_id = w.value
where i.turn_id is not null
group by i.job_id

-- title: Failure rate by model
-- topic: Failures and retries
-- means: For each model, the percentage of prompts in sessions that failed.
select
    model,
    sum(answered) as answered,
    sum(failed) as failed,
    round(100.0 * sum(failed) / (sum(answered) + sum(failed)), 1) as percent_failed
from (
    select t.model, 1 as answered, 0 as failed from memory_contexts c join turns t on t.id = c.turn_id
    union all
    select model, 0, 1 from memory_attempts where not session_in_progress(request_json)
) tried
group by model
order by percent_failed desc, model

-- title: Largest requests
-- topic: Models
-- means: The calls with the most input tokens, and their cost in US dollars if it is known.
-- param model: only this model; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select input_tokens, output_tokens, model,
    session_cost(model, input_tokens, output_tokens, datetime_utc) as dollars,
    datetime_utc, id as turn_id, thread_id
from calls
where input_tokens is not null and (:model = '' or model = :model)
order by input_tokens desc, id
limit 100

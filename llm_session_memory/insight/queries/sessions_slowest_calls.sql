-- title: Slowest calls
-- topic: Models
-- means: The calls that took the longest.
-- param model: only this model; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    round(duration_ms / 1000.0, 2) as seconds, model, input_tokens, output_tokens, datetime_utc, id as turn_id, thread_id
from calls
where duration_ms is not null and (:model = '' or model = :model)
order by duration_ms desc, id
limit 100

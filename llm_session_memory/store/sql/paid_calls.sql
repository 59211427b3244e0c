-- The calls that threads (:ids, a JSON array) have paid for: their own turns, undone ones too, and their summaries.
select 'turn' as kind, model, input_tokens, output_tokens, datetime_utc
from turns where thread_id in (select value from json_each(:ids))
union all
select 'summary', model, input_tokens, output_tokens, made_utc
from memory_summaries
where thread_id in (select value from json_each(:ids))
  and model is not null
  and coalesce(input_tokens, output_tokens, duration_ms) is not null -- a fork's copy was paid for elsewhere

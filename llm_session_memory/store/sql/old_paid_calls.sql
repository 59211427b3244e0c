-- The calls of a thread that only an older llm logged.
select 'turn' as kind, r.model, r.input_tokens, r.output_tokens, r.datetime_utc
from responses r
where r.conversation_id = :thread_id
  and not exists (select 1 from turns t where t.id = r.id)

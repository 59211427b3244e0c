-- Counts of a conversation that only an older llm logged. If there is no such conversation, responses is not read.
select
    count(*) filter (where r.id not in (select response_id from tool_results where response_id is not null)) as exchanges,
    coalesce(sum(r.input_tokens), 0) as input_tokens,
    coalesce(sum(r.output_tokens), 0) as output_tokens
from responses r
where exists (select 1 from conversations c where c.id = :thread_id)
  and r.conversation_id = :thread_id
  and not exists (select 1 from turns t where t.id = r.id)

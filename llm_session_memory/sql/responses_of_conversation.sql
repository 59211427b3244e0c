-- The calls that only an older llm logged, oldest first. A response that is also a turn is the same event.
select
    r.id,
    null as belongs_to,
    exists (select 1 from tool_results tr where tr.response_id = r.id) as continues
from responses r
where r.conversation_id = :thread_id
  and not exists (select 1 from turns t where t.id = r.id)
order by r.id

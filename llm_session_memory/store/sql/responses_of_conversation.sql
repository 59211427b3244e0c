-- The calls that only an older llm logged, oldest first, in the form of turns_of_thread. A response that is also a turn
-- is the same event.
select
    r.id,
    case when r.id in (select response_id from tool_results) then '' end as continues  -- no index there: read once
from responses r
where r.conversation_id = :thread_id
  and not exists (select 1 from turns t where t.id = r.id)
order by r.id

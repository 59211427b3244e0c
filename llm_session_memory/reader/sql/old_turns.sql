-- The responses of a conversation that only an older llm logged, oldest first, in the form of turns_of_thread. Their
-- first and last row come from old_conversations, because there is no index on conversation_id.
select
    r.id,
    case when r.id in (select response_id from tool_results) then '' end as continues
from responses r
where r.rowid between :first_row and :last_row
  and r.conversation_id = :thread_id
  and not exists (select 1 from turns t where t.id = r.id)
order by r.id

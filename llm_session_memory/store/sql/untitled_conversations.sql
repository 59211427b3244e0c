-- The same for conversations that only an older llm logged.
select c.id
from conversations c
where not exists (select 1 from memory_titles n where n.thread_id = c.id)
  and not exists (select 1 from memory_sessions s where s.thread_id = c.id and s.archived_utc is not null)
  and not exists (select 1 from turns u where u.thread_id = c.id)
  and c.id in (select conversation_id from responses)
order by c.id desc
limit :count

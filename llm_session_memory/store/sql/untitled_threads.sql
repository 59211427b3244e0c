-- The newest conversations with logged turns that never had a title and are not archived; at most :count (-1: all).
select t.id
from threads t
where not exists (select 1 from memory_titles n where n.thread_id = t.id)
  and not exists (select 1 from memory_sessions s where s.thread_id = t.id and s.archived_utc is not null)
  and exists (select 1 from turns u where u.thread_id = t.id)
order by t.id desc
limit :count

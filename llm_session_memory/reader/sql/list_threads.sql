-- Threads by their last turn, newest first, below a given turn id. It walks the index on turns.id backwards and keeps
-- each turn that is the last of its thread (the last rowid in the index on thread_id). So no thread is read whole, and
-- every page costs the same. Threads whose newest event is a failed attempt come from list_attempted.
select t.id as last_id, t.thread_id
from turns t
where t.id < :before
  and (:model is null or t.model = :model)
  and (:since is null or t.datetime_utc >= :since)
  and (:until is null or t.datetime_utc < :until)
  and t.rowid = (select max(n.rowid) from turns n where n.thread_id = t.thread_id)
  and t.thread_id not in (select value from json_each(:elsewhere))
  and t.thread_id not in (select value from json_each(:without))
  and (not :named or exists (select 1 from memory_sessions s where s.thread_id = t.thread_id))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = t.thread_id))
  and (:like is null
       or exists (select 1 from threads h where h.id = t.thread_id and h.name like :like escape '\')
       or exists (select 1 from memory_titles y where y.thread_id = t.thread_id and y.title like :like escape '\')
       or exists (select 1 from memory_sessions s where s.thread_id = t.thread_id and s.name like :like escape '\'))
order by t.id desc
limit :count

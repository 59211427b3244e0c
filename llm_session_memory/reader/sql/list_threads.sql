-- Threads by their last turn, newest first, below a given turn id. It walks the index on turns.id backwards and keeps
-- each turn that is the last of its thread (the last rowid in the index on thread_id). So no thread is read whole, and
-- every page costs the same. Threads whose newest event is a failed attempt come from list_attempted.
select t.id as last_id, t.thread_id
from turns t
where t.id < :after
  and t.rowid = (select max(n.rowid) from turns n where n.thread_id = t.thread_id)
order by t.id desc

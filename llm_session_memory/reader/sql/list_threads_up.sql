-- The same as list_threads, oldest first, above a given turn id.
select t.id as last_id, t.thread_id
from turns t
where t.id > :after
  and t.rowid = (select max(n.rowid) from turns n where n.thread_id = t.thread_id)
order by t.id

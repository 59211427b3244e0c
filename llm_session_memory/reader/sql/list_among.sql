-- The last turn of each of some threads (:only, a JSON array). It starts from those threads, because they are few.
select t.id as last_id, t.thread_id
from json_each(:only) n
cross join turns t on t.rowid = (select max(o.rowid) from turns o where o.thread_id = n.value)

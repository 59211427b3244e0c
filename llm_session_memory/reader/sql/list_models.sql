-- The model of each thread with turns, as the list shows it: the session's own, else that of its last turn.
select t.thread_id, coalesce(nullif(s.model, ''), t.model, '') as value
from (select max(rowid) as last_row from turns group by thread_id) l
join turns t on t.rowid = l.last_row
left join memory_sessions s on s.thread_id = t.thread_id
union
select s.thread_id, coalesce(s.model, '') from memory_sessions s where s.model <> ''

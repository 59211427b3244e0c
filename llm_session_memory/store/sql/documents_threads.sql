-- Conversations that were sent while they were empty, before llm made their rows, and whose calls were sent later.
insert into threads (id, name, tip_message_hash, datetime_utc)
select t.thread_id,
    (select s.name from memory_sessions s where s.thread_id = t.thread_id),
    (select l.tip_message_hash from turns l where l.thread_id = t.thread_id order by l.rowid desc limit 1),
    min(t.datetime_utc)
from turns t
where t.thread_id not in (select id from threads)
group by t.thread_id

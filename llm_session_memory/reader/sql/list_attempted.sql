-- Sessions whose newest event is not a turn but a failed attempt or their creation, with the id that this event has or
-- would have. Ids begin with the time in milliseconds, in 10 digits of base 32.
select
    s.thread_id, s.created_utc,
    (select max(a.id) from memory_attempts a where a.thread_id = s.thread_id) as attempt_id,
    (select t.id from turns t where t.thread_id = s.thread_id order by t.rowid desc limit 1) as turn_id
from memory_sessions s
where turn_id is null or attempt_id > turn_id

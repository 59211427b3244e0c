-- The turns that were logged in a thread up to a given one, each with its last message.
select t.id, t.tip_message_hash
from turns t
where t.thread_id = :thread_id and t.rowid <= (select o.rowid from turns o where o.id = :turn_id)

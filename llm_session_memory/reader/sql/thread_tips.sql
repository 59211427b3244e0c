-- The turns that were logged in some threads (a JSON array) up to a given one, each with its last message.
select t.id, t.tip_message_hash
from turns t
where t.thread_id in (select value from json_each(:threads)) and t.rowid <= (select o.rowid from turns o where o.id = :turn_id)

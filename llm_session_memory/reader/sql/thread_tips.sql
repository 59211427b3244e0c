-- The turns of a thread up to a given one, each with its last message.
select t.id, t.tip_message_hash
from turns t
where t.thread_id = :thread_id and t.id <= :turn_id

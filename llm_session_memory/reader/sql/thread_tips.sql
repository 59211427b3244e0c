-- The turns of a thread up to one of them, each with the message that it ended with.
select t.id, t.tip_message_hash
from turns t
where t.thread_id = :thread_id and t.id <= :turn_id

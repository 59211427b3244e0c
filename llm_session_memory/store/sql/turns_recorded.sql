-- The turns of a thread as turns_of_thread has them, but no message is looked up: `parent` is the end of the request of
-- a turn that no session recorded.
select
    t.id,
    nullif(c.exchange_turn_id, t.id) as continues,
    case when c.turn_id is null then t.parent_message_hash end as parent
from turns t
left join memory_contexts c on c.turn_id = t.id
where t.thread_id = :thread_id
order by t.rowid

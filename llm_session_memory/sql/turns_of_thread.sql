-- The turns of a thread, oldest first, each with what decides which exchange it belongs to.
-- A turn that answers tool calls (its last input message is a tool's, or is what a tool attached) continues one.
select
    t.id,
    c.exchange_turn_id as belongs_to,
    case
        when c.turn_id is not null then c.exchange_turn_id <> t.id
        else coalesce(last.role = 'tool' or (last.role = 'user' and earlier.role = 'tool'), 0)
    end as continues
from turns t
left join memory_contexts c on c.turn_id = t.id
left join messages last on c.turn_id is null and last.hash = t.parent_message_hash
left join messages earlier on last.role = 'user' and earlier.hash = last.parent_hash
where t.thread_id = :thread_id
order by t.id

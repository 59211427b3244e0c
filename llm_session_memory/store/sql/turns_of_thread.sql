-- The turns of a thread in the order in which they were logged, which no clock bends. `continues` is null if a turn begins an exchange, otherwise the first turn of
-- the exchange that it belongs to, or empty if that was not recorded: a turn that answers tool calls (its last input
-- message is a tool's, or was attached by a tool). Messages are looked up only for turns that no session recorded.
select
    t.id,
    case
        when c.turn_id is not null then nullif(c.exchange_turn_id, t.id)
        else (
            select case
                when last.role = 'tool' then ''
                when last.role = 'user'
                    and (select earlier.role from messages earlier where earlier.hash = last.parent_hash) = 'tool'
                then ''
            end
            from messages last
            where last.hash = t.parent_message_hash
        )
    end as continues,
    case when c.turn_id is null then t.parent_message_hash end as parent -- the end of the request, if not recorded
from turns t
left join memory_contexts c on c.turn_id = t.id
where t.thread_id = :thread_id
order by t.rowid

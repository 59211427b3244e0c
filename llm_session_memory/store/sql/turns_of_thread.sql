-- The turns of a thread in the order in which they were logged, which no clock bends. `continues` is null if a turn begins
-- an exchange, otherwise the first turn of the exchange that it belongs to. If no session recorded the turn, that is
-- decided by the message that its request ends with, `parent`: see request_answers.
select
    t.id,
    nullif(c.exchange_turn_id, t.id) as continues,
    case when c.turn_id is null then t.parent_message_hash end as parent
from turns t
left join memory_contexts c on c.turn_id = t.id
where t.thread_id = :thread_id
order by t.rowid

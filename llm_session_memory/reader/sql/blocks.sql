-- The blocks of some threads (a JSON array), with the turn that each began with.
select
    b.reason, b.start_turn_id, b.start_number, b.policy,
    (select c.turn_id from memory_contexts c where c.block_id = b.id order by c.rowid limit 1) as began_at
from memory_blocks b
where b.thread_id in (select value from json_each(:threads))
order by b.id

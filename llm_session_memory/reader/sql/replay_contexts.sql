-- A session's records of the requests of some turns (a JSON array), in order, each with its block.
select
    c.turn_id, c.estimate, t.input_tokens,
    b.id as block_id, b.budget, b.window, b.policy, b.start_turn_id, b.start_number, b.pinned_json,
    (select o.turn_id from memory_contexts o where o.block_id = b.id order by o.rowid limit 1) as began_at
from memory_contexts c
join memory_blocks b on b.id = c.block_id
join turns t on t.id = c.turn_id
where c.turn_id in (select value from json_each(:ids))
order by c.rowid

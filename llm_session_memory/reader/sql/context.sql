-- The session's record of a turn's request: why these messages were sent.
select
    c.number, c.after_turn_id, c.estimate, c.cut,
    b.id as block_id, b.policy, b.budget, b.window, b.window_source, b.start_turn_id, b.start_number, b.pinned_json,
    b.clip, b.reason, b.began_utc,
    (select o.turn_id from memory_contexts o where o.block_id = c.block_id order by o.rowid limit 1) as began_at
from memory_contexts c
join memory_blocks b on b.id = c.block_id
where c.turn_id = :turn_id

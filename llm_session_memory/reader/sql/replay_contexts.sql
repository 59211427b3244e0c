-- A session's records of the requests of some turns (a JSON array), in order, each with its block, the message that it
-- ends with, and the prompt before its own input (`asked`): of its exchange, or of the one before.
with recursive up (turn_id, hash, parent, role, past) as (
    select t.id, m.hash, m.parent_hash, m.role, 0
    from json_each(:ids) wanted
    join turns t on t.id = wanted.value
    join messages m on m.hash = t.parent_message_hash
    union all
    select u.turn_id, m.hash, m.parent_hash, m.role, u.past or u.role not in ('user', 'tool')
    from up u
    join messages m on m.hash = u.parent
    where not (u.past and u.role = 'user')
)
select
    c.turn_id, c.estimate, t.input_tokens, t.parent_message_hash as ended,
    a.hash as asked,
    b.id as block_id, b.budget, b.window, b.policy, b.start_turn_id, b.start_number, b.pinned_json,
    (select o.turn_id from memory_contexts o where o.block_id = b.id order by o.rowid limit 1) as began_at
from memory_contexts c
join memory_blocks b on b.id = c.block_id
join turns t on t.id = c.turn_id
left join (select turn_id, hash from up where past and role = 'user') a on a.turn_id = c.turn_id
where c.turn_id in (select value from json_each(:ids))
order by c.rowid

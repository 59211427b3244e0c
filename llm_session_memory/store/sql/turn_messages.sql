-- Each turn's own messages: its trailing run of user and tool messages (the new part of its input), then its output
-- (between the end of the sent chain and the tip). Oldest first within each.
with recursive
wanted (turn_id, parent, tip) as (
    select t.id, t.parent_message_hash, t.tip_message_hash
    from json_each(:ids) ids
    join turns t on t.id = ids.value
),
output (turn_id, hash, stop, depth) as (
    select turn_id, tip, parent, 0 from wanted where tip is not null and tip is not parent
    union all
    select o.turn_id, m.parent_hash, o.stop, o.depth + 1
    from output o
    join messages m on m.hash = o.hash
    where m.parent_hash is not null and m.parent_hash is not o.stop
),
input (turn_id, hash, depth) as (
    select w.turn_id, w.parent, 0
    from wanted w
    join messages m on m.hash = w.parent
    where m.role in ('user', 'tool')
    union all
    select i.turn_id, m.parent_hash, i.depth + 1
    from input i
    join messages m on m.hash = i.hash
    join messages before on before.hash = m.parent_hash
    where before.role in ('user', 'tool')
),
own (turn_id, is_output, depth, hash) as (
    select turn_id, 0, depth, hash from input
    union all
    select turn_id, 1, depth, hash from output
)
select own.turn_id, own.is_output, m.hash, m.role, m.provider_metadata
from own
join messages m on m.hash = own.hash
order by own.turn_id, own.is_output, own.depth desc

-- The requests of some turns (a JSON array) that no session recorded: the thread that each was logged in (null for the
-- responses of an older llm), the server's count, and the last message before the turn's own input, or null (`after`).
with recursive up (turn_id, hash, parent, role) as (
    select t.id, m.hash, m.parent_hash, m.role
    from json_each(:ids) wanted
    join turns t on t.id = wanted.value
    join messages m on m.hash = t.parent_message_hash
    union all
    select u.turn_id, m.hash, m.parent_hash, m.role
    from up u
    join messages m on m.hash = u.parent
    where u.role in ('user', 'tool')
)
select wanted.value as turn_id, t.thread_id, t.input_tokens, u.hash as after
from json_each(:ids) wanted
left join turns t on t.id = wanted.value
left join up u on u.turn_id = t.id and u.role not in ('user', 'tool', 'system')
where wanted.value not in (select turn_id from memory_contexts where turn_id is not null)

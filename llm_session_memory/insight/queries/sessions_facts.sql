-- title: Facts
-- topic: Conversations
-- means: The facts that sessions have, by key and value, with the number of sessions and one of them.
select m.key, m.value, count(*) as sessions, min(s.name) as session
from memory_meta m
left join memory_sessions s on s.thread_id = m.thread_id
group by m.key, m.value
order by m.key, sessions desc, m.value

-- title: Notes
-- topic: Conversations
-- means: The notes of sessions, newest first, with who wrote each one: you or a model.
select s.name as session, n.text as note, n.author, n.created_utc, n.thread_id
from memory_notes n
left join memory_sessions s on s.thread_id = n.thread_id
order by n.created_utc desc, n.id desc

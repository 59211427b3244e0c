-- title: Bookmarks
-- topic: Conversations
-- means: The bookmarked exchanges, newest bookmark first, with label, session and prompt.
select
    b.label, s.name as session, substr(coalesce(q.prompt, r.prompt), 1, 300) as prompt, b.created_utc,
    b.turn_id, b.thread_id
from memory_bookmarks b
left join memory_sessions s on s.thread_id = b.thread_id
left join turn_search q on q.turn_id = b.turn_id
left join responses r on r.id = b.turn_id
order by b.created_utc desc, b.turn_id, b.thread_id

-- What each conversation is called on the list, as far as this can be known without reading its prompts.
select i.id as thread_id, coalesce(s.name, y.title, c.name, h.name, i.id) as value
from (
    select id from threads
    union
    select id from conversations
    union
    select thread_id from memory_sessions
) i
left join memory_sessions s on s.thread_id = i.id
left join memory_titles y on y.thread_id = i.id
left join threads h on h.id = i.id
left join conversations c on c.id = i.id

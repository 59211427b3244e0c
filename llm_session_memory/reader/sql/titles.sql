-- The names and titles of threads (a JSON array of ids).
select
    w.value as thread_id,
    s.name,
    s.archived_utc,
    y.title,
    coalesce(c.name, h.name) as first_words,
    coalesce(s.model, c.model) as model
from json_each(:ids) w
left join memory_sessions s on s.thread_id = w.value
left join memory_titles y on y.thread_id = w.value
left join threads h on h.id = w.value
left join conversations c on c.id = w.value

-- The turns of some threads (a JSON array), oldest first, each with the characters of its prompt and reply.
select t.id, coalesce(length(s.prompt), 0) + coalesce(length(s.response), 0) as characters
from turns t
left join turn_search s on s.turn_id = t.id
where t.thread_id in (select value from json_each(:threads))
order by t.rowid

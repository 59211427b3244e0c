-- title: Requests that are not as they were sent
-- topic: Housekeeping
-- means: The calls whose requests had a text that was deleted or redacted since, with the session and the time of the change, newest first.
select c.changed_utc, s.name as session, t.datetime_utc, t.model, c.turn_id, t.thread_id
from memory_changed c
join turns t on t.id = c.turn_id
left join memory_sessions s on s.thread_id = t.thread_id
order by c.changed_utc desc, c.turn_id desc
limit 500

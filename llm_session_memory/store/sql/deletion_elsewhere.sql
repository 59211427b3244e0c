-- The threads that stay (not in :going, a JSON array) whose requests were sent excerpts of some threads (:threads, a JSON
-- array), each with such a thread.
select distinct t.thread_id, r.thread_id as from_thread_id
from memory_recalls r
join turns t on t.id = r.turn_id
where r.thread_id in (select value from json_each(:threads))
  and t.thread_id not in (select value from json_each(:going))
order by 1, 2

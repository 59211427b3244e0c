-- Turns of sessions that pass the filters of search, newest first: all, or only those that the index lacks.
select t.id as turn_id, t.thread_id, s.name, t.model, coalesce(t.datetime_utc, '') as datetime_utc
from turns t
left join memory_sessions s on s.thread_id = t.thread_id
where (s.thread_id is not null or t.thread_id in (select value from json_each(:shared)))
  and (:threads is null or t.thread_id in (select value from json_each(:threads)))
  and (:turns is null or (t.id in (select value from json_each(:turns))) = :among)
  and (:model is null or t.model in (:model, 'ollama/' || :model, :called))
  and (:since is null or datetime(t.datetime_utc) >= datetime(:since))
  and (:until is null or datetime(t.datetime_utc) < datetime(:until))
  and (:everything or not exists (
      select 1 from memory_passages p join memory_index i on i.number = p.thread and i.rules >= :rules where p.turn_id = t.id
  ))
order by t.id desc

-- Like search_turns, for calls that only an older llm logged.
select t.id as turn_id, t.conversation_id as thread_id, s.name, t.model, coalesce(t.datetime_utc, '') as datetime_utc
from responses t
left join memory_sessions s on s.thread_id = t.conversation_id
where (s.thread_id is not null or t.conversation_id in (select value from json_each(:shared)))
  and (:threads is null or t.conversation_id in (select value from json_each(:threads)))
  and (:turns is null or (t.id in (select value from json_each(:turns))) = :among)
  and (:model is null or t.model in (:model, 'ollama/' || :model, :called))
  and (:since is null or datetime(t.datetime_utc) >= datetime(:since))
  and (:until is null or datetime(t.datetime_utc) < datetime(:until))
  and (:everything or not exists (
      select 1 from memory_passages p join memory_index i on i.number = p.thread and i.rules >= :rules where p.turn_id = t.id
  ))
  and not exists (select 1 from turns o where o.id = t.id)
order by t.id desc

-- The newest turns that our index lacks or, if :everything, all, among the newest :newest that pass the filters.
with recent as (
    select t.id, t.thread_id, t.model, t.datetime_utc
    from turns t
    where (:line is null or t.thread_id in (select value from json_each(:line)))
    order by t.id desc
    limit :newest
)
select t.id as turn_id, t.thread_id, t.model, t.datetime_utc
from recent t
where (:model is null or t.model = :model)
  and (:since is null or t.datetime_utc >= :since)
  and (:until is null or t.datetime_utc < :until)
  and (not :named or exists (select 1 from memory_sessions m where m.thread_id = t.thread_id))
  and (:turns is null or (t.id in (select value from json_each(:turns))) = :among)
  and (:only is null or t.thread_id in (select value from json_each(:only)))
  and t.thread_id not in (select value from json_each(:without))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = t.thread_id))
  and (:everything or not exists (
      select 1
      from memory_passages p
      join memory_index i on i.number = p.thread and i.rules >= :rules
      where p.turn_id = t.id
  ))
order by t.id desc
limit :most

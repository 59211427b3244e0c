-- The same as list_threads, for lists limited to some threads (:only, a JSON array). It starts from those threads.
select t.id as last_id, t.thread_id
from json_each(:only) n
cross join turns t on t.rowid = (select max(o.rowid) from turns o where o.thread_id = n.value)
where t.id < :before
  and (:model is null or t.model = :model)
  and (:since is null or t.datetime_utc >= :since)
  and (:until is null or t.datetime_utc < :until)
  and t.thread_id not in (select value from json_each(:elsewhere))
  and (not :named or exists (select 1 from memory_sessions s where s.thread_id = t.thread_id))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = t.thread_id))
  and (:like is null
       or exists (select 1 from threads h where h.id = t.thread_id and h.name like :like escape '\')
       or exists (select 1 from memory_titles y where y.thread_id = t.thread_id and y.title like :like escape '\')
       or exists (select 1 from memory_sessions s where s.thread_id = t.thread_id and s.name like :like escape '\'))
order by t.id desc
limit :count

-- The same as list_threads, for lists of named sessions only. It starts from those, because they are few.
select t.id as last_id, t.thread_id
from memory_sessions n
cross join turns t on t.rowid = (select max(o.rowid) from turns o where o.thread_id = n.thread_id)
where t.id < :before
  and (:model is null or t.model = :model)
  and (:since is null or t.datetime_utc >= :since)
  and (:until is null or t.datetime_utc < :until)
  and t.thread_id not in (select value from json_each(:elsewhere))
  and t.thread_id not in (select value from json_each(:without))
  and :named
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = t.thread_id))
  and (:like is null
       or exists (select 1 from threads h where h.id = t.thread_id and h.name like :like escape '\')
       or exists (select 1 from memory_titles y where y.thread_id = t.thread_id and y.title like :like escape '\')
       or exists (select 1 from memory_sessions s where s.thread_id = t.thread_id and s.name like :like escape '\'))
order by t.id desc
limit :count

-- Matches in today's search index, newest first, among the turns that pass the filters. The rows of one thread lie
-- between two known rows of the index. :turns (a JSON array) are the turns to include or, if :among is 0, to exclude.
select turn_search_fts.rowid as row, case when :ranked then bm25(turn_search_fts) end as score
from turn_search_fts
cross join turn_search s on s.id = turn_search_fts.rowid
cross join turns t on t.id = s.turn_id
where turn_search_fts match :match and turn_search_fts.rowid < :below and turn_search_fts.rowid >= :above
  and (:thread_id is null or t.thread_id = :thread_id)
  and (:model is null or t.model = :model)
  and (:since is null or t.datetime_utc >= :since)
  and (:until is null or t.datetime_utc < :until)
  and (not :named or exists (select 1 from memory_sessions m where m.thread_id = t.thread_id))
  and (:turns is null or (t.id in (select value from json_each(:turns))) = :among)
  and (:only is null or t.thread_id in (select value from json_each(:only)))
  and t.thread_id not in (select value from json_each(:without))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = t.thread_id))
  and (not :indexed or not exists (
      select 1
      from memory_passages p
      join memory_index i on i.number = p.thread and i.rules >= :rules
      where p.turn_id = t.id
  ))
order by turn_search_fts.rowid desc
limit :most

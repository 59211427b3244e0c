-- Matches in the search index of an older llm, newest first, among the responses that pass the filters.
select responses_fts.rowid as row, case when :ranked then bm25(responses_fts) end as score
from responses_fts
cross join responses r on r.rowid = responses_fts.rowid
where responses_fts match :match and responses_fts.rowid < :below and responses_fts.rowid >= :above
  and (:thread_id is null or r.conversation_id = :thread_id)
  and (:model is null or r.model = :model)
  and (:since is null or r.datetime_utc >= :since)
  and (:until is null or r.datetime_utc < :until)
  and (not :named or exists (select 1 from memory_sessions m where m.thread_id = r.conversation_id))
  and (:turns is null or (r.id in (select value from json_each(:turns))) = :among)
  and (:only is null or r.conversation_id in (select value from json_each(:only)))
  and r.conversation_id not in (select value from json_each(:without))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = r.conversation_id))
  and (not :indexed or not exists (
      select 1
      from memory_passages p
      join memory_index i on i.number = p.thread and i.rules >= :rules
      where p.turn_id = r.id
  ))
order by responses_fts.rowid desc
limit :most

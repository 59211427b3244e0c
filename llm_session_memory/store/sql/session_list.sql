-- A page of sessions, newest use first; after a given session (its last use and key) if :after_key is not null.
-- :threads (a JSON array), :model (:called is its id if it is an alias), :since and :until (ISO, UTC) are filters,
-- unless they are null.
-- The last use is the last logged turn: the last rowid within the index on thread_id, so no thread is read whole.
with used as (
    select
        s.*,
        strftime('%Y-%m-%dT%H:%M:%f', max(
            julianday(s.created_utc),
            coalesce((
                select julianday(t.datetime_utc) from turns t
                where t.thread_id = s.thread_id order by t.rowid desc limit 1
            ), 0),
            coalesce((
                select julianday(a.datetime_utc) from memory_attempts a
                where a.thread_id = s.thread_id order by a.id desc limit 1
            ), 0)
        )) as last_used_utc
    from memory_sessions s
    where (:threads is null or s.thread_id in (select value from json_each(:threads)))
      and (:model is null or s.model in (:model, 'ollama/' || :model, :called))
)
select * from used
where (:after_key is null or (last_used_utc, name_key) < (:after_used, :after_key))
  and (:since is null or last_used_utc >= :since)
  and (:until is null or last_used_utc < :until)
order by last_used_utc desc, name_key desc
limit :count

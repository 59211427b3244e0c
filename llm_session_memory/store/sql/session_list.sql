-- A page of sessions, newest use first; after a given session (its last use and key) if :after_key is not null.
-- :threads (a JSON array), :model (:called is its id if it is an alias), :since and :until (ISO, UTC) are filters,
-- unless they are null.
-- The last use is that of the last logged turn (the last rowid within the index on thread_id, so no thread is read whole;
-- for a session that only an older llm logged, its last response) or of the last attempt, whichever is later. A session
-- without either was last used when it was created; with :touched, its creation is a use in any case.
with logged as (
    select
        s.*,
        (select max(t.rowid) from turns t where t.thread_id = s.thread_id) as last_turn,
        case
            when not exists (select 1 from turns t where t.thread_id = s.thread_id)
                and exists (select 1 from conversations c where c.id = s.thread_id)
            then (select max(r.rowid) from responses r where r.conversation_id = s.thread_id)
        end as last_response
    from memory_sessions s
    where (:threads is null or s.thread_id in (select value from json_each(:threads)))
      and (:model is null or s.model in (:model, 'ollama/' || :model, :called))
),
dated as (
    select
        l.*,
        coalesce(
            (select t.model from turns t where t.rowid = l.last_turn),
            (select r.model from responses r where r.rowid = l.last_response)
        ) as last_model,
        coalesce(julianday(l.created_utc), 0) as created,
        max(
            coalesce((select julianday(t.datetime_utc) from turns t where t.rowid = l.last_turn), 0),
            coalesce((select julianday(r.datetime_utc) from responses r where r.rowid = l.last_response), 0),
            coalesce((
                select julianday(a.datetime_utc) from memory_attempts a
                where a.thread_id = l.thread_id order by a.id desc limit 1
            ), 0)
        ) as used
    from logged l
),
listed as (
    select
        d.*,
        strftime('%Y-%m-%dT%H:%M:%f', nullif(case when :touched or not d.used then max(d.used, d.created) else d.used end, 0))
            as last_used_utc
    from dated d
)
select * from listed
where (:after_key is null or (last_used_utc, name_key) < (:after_used, :after_key))
  and (:since is null or last_used_utc >= :since)
  and (:until is null or last_used_utc < :until)
order by last_used_utc desc, name_key desc
limit :count

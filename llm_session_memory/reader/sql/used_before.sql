-- The thread whose last use was the last before :key, the id of a turn or of a failed prompt. Archived sessions are left
-- out. It walks the index on turns.id downwards to the first turn that is the last of its thread.
select * from (
    select t.id as last_id, t.thread_id
    from turns t
    where t.id < :key
      and t.thread_id <> :thread_id
      and t.rowid = (select max(n.rowid) from turns n where n.thread_id = t.thread_id)
      and not exists (select 1 from memory_attempts a where a.thread_id = t.thread_id and a.id > t.id)
      and not exists (select 1 from memory_sessions s where s.thread_id = t.thread_id and s.archived_utc is not null)
    order by t.id desc
    limit 1
)
union all
select * from (
    select a.last_id, a.thread_id
    from (select thread_id, max(id) as last_id from memory_attempts where thread_id <> :thread_id group by thread_id) a
    where a.last_id < :key
      and not exists (select 1 from turns t where t.thread_id = a.thread_id and t.id > a.last_id)
      and not exists (select 1 from memory_sessions s where s.thread_id = a.thread_id and s.archived_utc is not null)
    order by last_id desc
    limit 1
)
order by last_id desc
limit 1

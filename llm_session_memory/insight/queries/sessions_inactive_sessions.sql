-- title: Inactive sessions
-- topic: Housekeeping
-- means: Named sessions that have not been used for a while, the longest unused first.
-- param days: the fewest days without use; empty for 30
select
    s.name as session,
    s.model,
    coalesce(max(t.datetime_utc), s.created_utc) as last_used,
    cast(julianday('now') - julianday(coalesce(max(t.datetime_utc), s.created_utc)) as integer) as days,
    count(t.id) as calls,
    s.thread_id
from memory_sessions s
left join turns t on t.thread_id = s.thread_id
group by s.thread_id, s.name, s.model, s.created_utc
having cast(julianday('now') - julianday(coalesce(max(t.datetime_utc), s.created_utc)) as integer) >= coalesce(nullif(cast(:days as integer), 0), 30)
order by days desc, s.thread_id

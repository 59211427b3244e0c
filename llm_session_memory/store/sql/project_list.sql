-- All projects by name, each with its number of sessions and when one of them was last used.
-- The last use of a session is its last logged turn or attempt or, without one, its creation.
select
    p.*,
    count(s.thread_id) as sessions,
    strftime('%Y-%m-%dT%H:%M:%f', max(coalesce(
        nullif(max(
            coalesce((
                select julianday(t.datetime_utc) from turns t where t.thread_id = s.thread_id order by t.rowid desc limit 1
            ), 0),
            coalesce((
                select julianday(a.datetime_utc) from memory_attempts a
                where a.thread_id = s.thread_id order by a.id desc limit 1
            ), 0)
        ), 0),
        julianday(s.created_utc)
    ))) as last_used_utc
from memory_projects p
left join memory_sessions s on s.project = p.name_key
group by p.name_key
order by p.name_key

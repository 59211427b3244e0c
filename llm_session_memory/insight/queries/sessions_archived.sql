-- title: Archived sessions
-- topic: Housekeeping
-- means: The archived sessions, the one archived last first, with their calls and last use.
select
    s.name as session,
    p.name as project,
    s.archived_utc as archived,
    max(t.datetime_utc) as last_used,
    count(t.id) as calls,
    s.thread_id
from memory_sessions s
left join memory_projects p on p.name_key = s.project
left join turns t on t.thread_id = s.thread_id
where s.archived_utc is not null
group by s.thread_id, s.name, p.name, s.archived_utc
order by s.archived_utc desc, s.thread_id

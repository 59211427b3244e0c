-- The conversations that have a document of their own: name, project, tags, calls, machine, and when they went on last.
select d.thread_id, t.name, coalesce(t.project_name, t.project, ''), t.tags, t.turns, d.machine, coalesce(t.last_utc, '')
from SCHEMA.remote_documents d
join SCHEMA.remote_threads t on t.thread_id = d.thread_id
where d.kind = 'thread' and (%(every)s or d.key = any(%(threads)s::text[]))

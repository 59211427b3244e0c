-- The conversations that have a document of their own: name, project, tags, calls, machine, and when they went on last.
select
    d.thread_id,
    coalesce((select s.name from SCHEMA.memory_sessions s where s.remote_doc = d.doc order by remote_row limit 1), ''),
    coalesce(
        (select p.name from SCHEMA.remote_memory_projects p where p.remote_doc = d.doc order by remote_row limit 1),
        t.project,
        ''
    ),
    array(select g.tag from SCHEMA.memory_tags g where g.remote_doc = d.doc and g.tag is not null order by g.tag),
    coalesce(t.turns, 0),
    d.machine,
    coalesce(t.last_utc, '')
from SCHEMA.remote_documents d
left join SCHEMA.remote_threads t on t.thread_id = d.thread_id
where d.kind = 'thread' and (%(every)s or d.thread_id = any(%(threads)s::text[]))
order by d.thread_id

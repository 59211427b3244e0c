-- Count the calls of some conversations, and find when the newest of them began.
-- `thread_id <> ''` lets PostgreSQL use the index, which leaves content out.
update SCHEMA.remote_threads t
set turns = (
        select count(*) from SCHEMA.remote_documents d
        where d.thread_id = t.thread_id and d.thread_id <> '' and d.kind in ('turn', 'response')
    ),
    last_utc = greatest(
        (
            select max(u.datetime_utc) from SCHEMA.remote_documents d
            join SCHEMA.turns u on u.remote_doc = d.doc where d.thread_id = t.thread_id and d.thread_id <> ''
        ),
        (
            select max(r.datetime_utc) from SCHEMA.remote_documents d
            join SCHEMA.responses r on r.remote_doc = d.doc where d.thread_id = t.thread_id and d.thread_id <> ''
        )
    )
where t.thread_id = any(%s::text[])

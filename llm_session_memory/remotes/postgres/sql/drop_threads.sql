-- Forget conversations that have no documents any more. `thread_id <> ''` lets PostgreSQL use the index.
delete from SCHEMA.remote_threads t
where t.thread_id = any(%s::text[])
    and not exists (select 1 from SCHEMA.remote_documents d where d.thread_id = t.thread_id and d.thread_id <> '')

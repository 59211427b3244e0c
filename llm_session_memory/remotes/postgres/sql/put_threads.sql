-- Remember the projects of conversations, on which rights may depend.
insert into SCHEMA.remote_threads (thread_id, project)
select * from unnest(%s::text[], %s::text[])
on conflict (thread_id) do update set project = excluded.project

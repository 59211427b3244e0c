-- Remember what lists show of conversations, and their projects, on which rights may depend.
insert into SCHEMA.remote_threads (thread_id, name, project, project_name, tags)
select w.thread_id, w.name, w.project, w.project_name, array(select json_array_elements_text(w.tags::json))
from unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) as w (thread_id, name, project, project_name, tags)
on conflict (thread_id) do update
set name = excluded.name, project = excluded.project, project_name = excluded.project_name, tags = excluded.tags

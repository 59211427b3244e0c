-- Replace documents. They get new numbers, so that those grow with time. Who sent them first stays.
update SCHEMA.remote_documents d
set doc = w.doc,
    thread_id = w.thread_id,
    refs = array(select json_array_elements_text(w.refs::json)),
    place = w.place,
    bucket = w.bucket,
    stamp = w.stamp,
    machine = case when d.machine = '' then w.machine else d.machine end,
    person = case when d.person = '' then w.person else d.person end
from unnest(
    %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[],
    %s::text[]
) as w (doc, kind, key, thread_id, refs, place, bucket, stamp, machine, person)
where d.kind = w.kind and d.key = w.key

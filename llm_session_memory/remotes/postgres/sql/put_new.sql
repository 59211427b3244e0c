-- Add documents that were not found. Content that someone else has there, unseen by this role, stays as it is.
insert into SCHEMA.remote_documents (doc, kind, key, thread_id, refs, place, bucket, stamp, machine, person)
select w.doc, w.kind, w.key, w.thread_id, array(select json_array_elements_text(w.refs::json)), w.place, w.bucket,
    w.stamp, w.machine, w.person
from unnest(
    %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[],
    %s::text[]
) as w (doc, kind, key, thread_id, refs, place, bucket, stamp, machine, person)
on conflict do nothing

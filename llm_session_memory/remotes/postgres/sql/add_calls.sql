-- Conversations have more calls than before.
update SCHEMA.remote_threads t
set turns = t.turns + w.amount, last_utc = greatest(t.last_utc, nullif(w.last_utc, ''))
from unnest(%s::text[], %s::bigint[], %s::text[]) as w (thread_id, amount, last_utc)
where t.thread_id = w.thread_id

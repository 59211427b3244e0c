insert into SCHEMA.remote_digests (bucket, thread_id, amount, value)
select * from unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])
on conflict (bucket, thread_id) do update set amount = excluded.amount, value = excluded.value

-- Add new stamps to the digest of a bucket of a conversation.
insert into SCHEMA.remote_digests (bucket, thread_id, amount, value)
values (%(bucket)s, %(thread_id)s, %(amount)s, %(value)s)
on conflict (bucket, thread_id) do update set
    amount = SCHEMA.remote_digests.amount + excluded.amount,
    value = int8xor(SCHEMA.remote_digests.value, excluded.value)

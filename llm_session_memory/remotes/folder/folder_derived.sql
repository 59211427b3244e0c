-- The digests as the documents themselves have them. Needed after two machines wrote at the same time.
select bucket, thread_id, count(*), xor(stamp) from lines
where wins and kind in ('turn', 'response', 'thread', 'tombstone') group by bucket, thread_id;

-- The forks of a session, the forks of those, and so on, each session's in the order in which they were made.
with recursive family as (
    select thread_id, from_thread_id, forked_utc from memory_forks where from_thread_id = :root
    union
    select f.thread_id, f.from_thread_id, f.forked_utc
    from family y
    join memory_forks f on f.from_thread_id = y.thread_id
    limit :most
)
select thread_id, from_thread_id from family order by forked_utc, thread_id

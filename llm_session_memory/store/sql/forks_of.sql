-- The forks of a thread, and their forks, oldest first, each with its name.
with recursive forks (thread_id) as (
    select thread_id from memory_forks where from_thread_id = :thread_id
    union
    select f.thread_id from forks join memory_forks f on f.from_thread_id = forks.thread_id
)
select s.thread_id, s.name
from forks
join memory_forks f on f.thread_id = forks.thread_id
join memory_sessions s on s.thread_id = forks.thread_id
order by f.forked_utc, s.thread_id

-- Threads of sessions with turns that are not indexed, or not by today's rules; oldest first. One pass over the index
-- on thread_id counts all turns, and each thread is looked up once, because every search begins with this.
select c.thread_id
from (select thread_id, count(*) as turns from turns group by thread_id) c
left join memory_index i on i.thread_id = c.thread_id and i.rules = :rules
join memory_sessions s on s.thread_id = c.thread_id
where i.number is null or i.turns < c.turns
order by s.created_utc

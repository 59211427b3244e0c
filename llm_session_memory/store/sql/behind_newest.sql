-- Threads with turns that are not indexed, or not by today's rules; the newest first. One pass over the index on
-- thread_id counts all turns.
select c.thread_id
from (select thread_id, count(*) as turns, max(rowid) as newest from turns group by thread_id) c
left join memory_index i on i.thread_id = c.thread_id and i.rules = :rules
where i.number is null or i.turns < c.turns
order by c.newest desc

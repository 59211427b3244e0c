-- title: Search index by conversation
-- topic: Housekeeping
-- means: The conversations that are in the sessions' index with fewer calls than they have: a search or a recall brings them up to date.
select
    s.name as session, i.turns as calls_in_the_index, count(t.id) as calls, i.passages, i.thread_id
from memory_index i
join turns t on t.thread_id = i.thread_id
left join memory_sessions s on s.thread_id = i.thread_id
group by i.number
having count(t.id) > i.turns
order by count(t.id) - i.turns desc, i.number
limit 200

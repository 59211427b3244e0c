-- Threads of sessions begun with an older llm whose log may contain more than the index
-- by today's rules.
select s.thread_id
from memory_sessions s
join conversations c on c.id = s.thread_id
left join memory_index i on i.thread_id = s.thread_id and i.rules = :rules
where i.number is null
   or i.turns < (select count(*) from turns t where t.thread_id = s.thread_id)
       + (
           select count(*) from responses r
           where r.conversation_id = s.thread_id and not exists (select 1 from turns t where t.id = r.id)
       )
order by s.created_utc

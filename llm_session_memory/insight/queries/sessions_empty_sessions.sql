-- title: Sessions without calls
-- topic: Housekeeping
-- means: The named sessions that were never used, oldest first, apart from forks, and their failed prompts.
select
    s.name as session, s.created_utc, s.model, count(a.id) as failed_prompts, s.thread_id
from memory_sessions s
left join memory_attempts a on a.thread_id = s.thread_id
where not exists (select 1 from turns t where t.thread_id = s.thread_id)
  and not exists (select 1 from responses r where r.conversation_id = s.thread_id)
  and not exists (select 1 from memory_forks f where f.thread_id = s.thread_id)
group by s.thread_id, s.name, s.created_utc, s.model
order by s.created_utc, s.thread_id

-- title: Templates of sessions
-- topic: Conversations
-- means: The llm templates that sessions were created from: sessions, calls, and the last use.
select s.template, count(distinct s.thread_id) as sessions, count(t.id) as calls, max(t.datetime_utc) as last_used
from memory_sessions s
left join turns t on t.thread_id = s.thread_id
where s.template is not null
group by s.template
order by sessions desc, s.template

-- Conversations and their calls, last used first: a start for your own queries.
select
    coalesce(s.name, h.name, t.thread_id) as session,
    count(*) as calls,
    sum(t.input_tokens) as input_tokens,
    sum(t.output_tokens) as output_tokens,
    max(t.datetime_utc) as last_used,
    t.thread_id
from turns t
left join threads h on h.id = t.thread_id
left join memory_sessions s on s.thread_id = t.thread_id
group by t.thread_id
order by last_used desc
limit 100

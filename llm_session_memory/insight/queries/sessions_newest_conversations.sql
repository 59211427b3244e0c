-- title: Newest conversations
-- topic: Conversations
-- means: The 100 conversations used last, with or without a name: first prompt, calls, and the last use.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
newest as (
    select thread_id, count(*) as calls, min(id) as first_id, max(datetime_utc) as last_used
    from calls
    where thread_id is not null
    group by thread_id
    order by last_used desc, thread_id
    limit 100
)
select
    coalesce(s.name, c.name, h.name) as session,
    substr(coalesce(q.prompt, r.prompt), 1, 300) as first_prompt,
    u.calls,
    u.last_used,
    u.thread_id
from newest u
left join turn_search q on q.turn_id = u.first_id
left join responses r on r.id = u.first_id
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.last_used desc, u.thread_id

-- title: Conversations with a single call
-- topic: Conversations
-- means: The conversations that stopped after one call, newest first: the questions that needed no second one, or that you gave up on.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
single as (
    select thread_id, min(id) as id, min(model) as model, min(datetime_utc) as datetime_utc
    from calls
    where thread_id is not null
    group by thread_id
    having count(*) = 1
    order by datetime_utc desc, id
    limit 200
)
select
    u.datetime_utc, coalesce(s.name, c.name, h.name) as session, u.model,
    substr(coalesce(q.prompt, r.prompt), 1, 300) as prompt,
    u.id as turn_id, u.thread_id
from single u
left join turn_search q on q.turn_id = u.id
left join responses r on r.id = u.id
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.datetime_utc desc, u.id

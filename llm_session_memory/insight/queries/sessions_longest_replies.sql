-- title: Longest replies
-- topic: Conversations
-- means: The calls with the most output tokens, as the servers counted them, with their prompts.
-- param model: only this model; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
longest as (
    select output_tokens, id, thread_id, model, duration_ms, datetime_utc
    from calls
    where output_tokens is not null and (:model = '' or model = :model)
    order by output_tokens desc, id
    limit 100
)
select
    u.output_tokens, u.model, substr(coalesce(q.prompt, r.prompt), 1, 300) as prompt,
    round(u.duration_ms / 1000.0, 2) as seconds, u.datetime_utc, u.id as turn_id, u.thread_id
from longest u
left join turn_search q on q.turn_id = u.id
left join responses r on r.id = u.id
order by u.output_tokens desc, u.id

-- title: Most expensive calls
-- topic: Cost and budgets
-- means: The calls that cost the most, in US dollars, with their prompts. Calls whose price is unknown are left out.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
costliest as (
    select id, thread_id, model, input_tokens, output_tokens, datetime_utc,
        session_cost(model, input_tokens, output_tokens, datetime_utc) as dollars
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    order by dollars desc, id
    limit 100
)
select
    round(u.dollars, 4) as dollars, u.model, u.input_tokens, u.output_tokens,
    substr(coalesce(q.prompt, r.prompt), 1, 300) as prompt, u.datetime_utc, u.id as turn_id, u.thread_id
from costliest u
left join turn_search q on q.turn_id = u.id
left join responses r on r.id = u.id
where u.dollars is not null
order by u.dollars desc, u.id

-- title: Cost by model
-- topic: Cost and budgets
-- means: The total cost of each model and the average cost of one call, in US dollars, at the prices on the day of each call. Blank if the price is unknown.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
priced as materialized (
    select model, session_cost(model, input_tokens, output_tokens, datetime_utc) as cost
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
)
select
    model,
    round(sum(cost), 4) as dollars,
    round(avg(cost), 6) as dollars_a_call,
    count(*) as calls,
    count(cost) as calls_priced,
    count(*) * session_is_local(model) as calls_local
from priced
group by model
order by dollars desc, model

-- title: Prices of the models used
-- topic: Cost and budgets
-- means: What a million tokens of each model costs today, in US dollars, in and out, and whether the model is local. Blank if the price is unknown. Long requests and cached tokens can have different prices.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
used as (
    select model, count(*) as calls, max(datetime_utc) as last_used from calls where model is not null group by model
)
select
    model,
    round(session_cost(model, 1000, 0, date('now')) * 1000, 4) as dollars_in,
    round(session_cost(model, 0, 1000, date('now')) * 1000, 4) as dollars_out,
    session_is_local(model) as local,
    calls,
    last_used
from used
order by dollars_out desc, calls desc, model

-- title: Cost of input and output
-- topic: Cost and budgets
-- means: Where the cost of each model comes from: tokens in and out, and their cost in US dollars at the plain prices of the day, without surcharges for long requests.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_day as (
    select
        model, substr(datetime_utc, 1, 10) as day, sum(input_tokens) as tokens_in, sum(output_tokens) as tokens_out
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by model, substr(datetime_utc, 1, 10)
),
priced as (
    select
        model, tokens_in, tokens_out,
        session_cost(model, 1000, 0, day) * tokens_in / 1000 as dollars_in,
        session_cost(model, 0, 1000, day) * tokens_out / 1000 as dollars_out
    from by_day
)
select
    model,
    sum(tokens_in) as tokens_in,
    sum(tokens_out) as tokens_out,
    round(sum(dollars_in), 4) as dollars_in,
    round(sum(dollars_out), 4) as dollars_out,
    round(100.0 * sum(dollars_in) / nullif(sum(dollars_in) + sum(dollars_out), 0), 1) as percent_for_input
from priced
group by model
having sum(dollars_in) is not null
order by sum(dollars_in) + sum(dollars_out) desc, model

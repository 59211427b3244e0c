-- title: Cost with another model
-- topic: Cost and budgets
-- means: What the calls of each model cost, and what the same tokens cost at the prices of another model, in US dollars. Another model counts the tokens of a text a little differently.
-- param model: the other model, such as gpt-4o-mini
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
priced as (
    select
        model, session_cost(model, input_tokens, output_tokens, datetime_utc) as dollars,
        session_cost(:model, input_tokens, output_tokens, datetime_utc) as dollars_instead
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days')) and input_tokens is not null and :model <> ''
)
select
    model, count(*) as calls, round(sum(dollars), 4) as dollars, :model as other_model,
    round(sum(dollars_instead), 4) as dollars_instead, round(sum(dollars_instead) - sum(dollars), 4) as difference
from priced
group by model
order by dollars desc, calls desc, model

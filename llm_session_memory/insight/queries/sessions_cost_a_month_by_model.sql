-- title: Cost per month, by model
-- topic: Cost and budgets
-- means: The cost of each month's calls in US dollars, by model, and the percentage of that month's cost. Models whose price is unknown are left out.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
summed as (
    select
        substr(datetime_utc, 1, 7) as month, model, count(*) as calls,
        sum(session_cost(model, input_tokens, output_tokens, datetime_utc)) as dollars
    from calls
    group by substr(datetime_utc, 1, 7), model
)
select
    month, model, calls, round(dollars, 4) as dollars,
    round(100.0 * dollars / nullif(sum(dollars) over (partition by month), 0), 1) as percent
from summed
where dollars is not null
order by month desc, dollars desc, model

-- title: Cost of this month
-- topic: Cost and budgets
-- means: The cost of this month so far (UTC) in US dollars, its daily average, a forecast for the whole month at that rate, and the previous month.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_month as materialized (
    select
        substr(datetime_utc, 1, 7) = strftime('%Y-%m', 'now') as current,
        sum(session_cost(model, input_tokens, output_tokens, datetime_utc)) as dollars
    from calls
    where datetime_utc >= date('now', 'start of month', '-1 month')
    group by current
),
summed as (
    select
        sum(dollars) filter (where current) as dollars, sum(dollars) filter (where not current) as dollars_before
    from by_month
    having count(dollars) > 0
)
select
    strftime('%Y-%m', 'now') as month,
    round(dollars, 4) as dollars,
    round(dollars / cast(strftime('%d', 'now') as integer), 4) as dollars_a_day,
    round(
        dollars / cast(strftime('%d', 'now') as integer)
            * cast(strftime('%d', 'now', 'start of month', '+1 month', '-1 day') as integer),
        4
    ) as dollars_at_this_rate,
    round(dollars_before, 4) as dollars_month_before
from summed

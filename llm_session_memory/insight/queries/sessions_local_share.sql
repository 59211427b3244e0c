-- title: Local and remote models per month
-- topic: Cost and budgets
-- means: The part of each month's work that local models did: calls and tokens, local and in all, the percentage of local calls, and the dollars paid for the others.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_month as (
    select
        substr(datetime_utc, 1, 7) as month, model, session_is_local(model) as local, count(*) as calls,
        sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens,
        sum(session_cost(model, input_tokens, output_tokens, datetime_utc)) as dollars
    from calls
    group by substr(datetime_utc, 1, 7), model
)
select
    month,
    coalesce(sum(calls) filter (where local = 1), 0) as calls_local,
    sum(calls) as calls,
    round(100.0 * coalesce(sum(calls) filter (where local = 1), 0) / sum(calls), 1) as percent_local,
    coalesce(sum(tokens) filter (where local = 1), 0) as tokens_local,
    sum(tokens) as tokens,
    round(sum(dollars), 4) as dollars
from by_month
group by month
order by month desc

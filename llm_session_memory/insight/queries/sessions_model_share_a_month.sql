-- title: Share of models per month
-- topic: Activity
-- means: Which models you use, by month: calls, and the percentage of that month's calls and of its tokens.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_month as (
    select
        substr(datetime_utc, 1, 7) as month, model, count(*) as calls,
        sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens
    from calls
    group by substr(datetime_utc, 1, 7), model
)
select
    month, model, calls,
    round(100.0 * calls / sum(calls) over (partition by month), 1) as percent_of_calls,
    round(100.0 * tokens / nullif(sum(tokens) over (partition by month), 0), 1) as percent_of_tokens
from by_month
order by month desc, calls desc, model

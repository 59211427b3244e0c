-- title: Weekly activity
-- topic: Activity
-- means: Active days, conversations, calls and tokens of each week. A week is named by its Monday.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_day as (
    select substr(datetime_utc, 1, 10) as day, thread_id, count(*) as calls, sum(input_tokens) as tokens_in,
        sum(output_tokens) as tokens_out
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by day, thread_id
)
select
    date(day, 'weekday 0', '-6 days') as week,
    count(distinct day) as active_days,
    count(distinct thread_id) as conversations,
    sum(calls) as calls,
    sum(tokens_in) as tokens_in,
    sum(tokens_out) as tokens_out
from by_day
group by week
order by week desc

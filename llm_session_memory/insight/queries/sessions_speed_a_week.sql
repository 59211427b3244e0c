-- title: Speed per week
-- topic: Models
-- means: The average seconds of a call and the output tokens per second, by week and model: whether a model or its server got slower. A week is named by its Monday.
-- param model: only this model; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
by_day as (
    select
        substr(datetime_utc, 1, 10) as day, model, count(*) as calls, sum(duration_ms) as duration_ms,
        sum(output_tokens) as output_tokens, sum(duration_ms) filter (where output_tokens > 0) as replying_ms
    from calls
    where duration_ms > 0 and (:model = '' or model = :model)
    group by substr(datetime_utc, 1, 10), model
)
select
    date(day, 'weekday 0', '-6 days') as week,
    model,
    sum(calls) as calls,
    round(sum(duration_ms) / 1000.0 / sum(calls), 2) as seconds_a_call,
    round(sum(output_tokens) * 1000.0 / sum(replying_ms), 1) as tokens_a_second
from by_day
group by week, model
order by week desc, calls desc, model

-- title: Latency by model
-- topic: Models
-- means: How long calls took from start to end, in seconds: 50th, 95th and 99th percentile (nearest rank), and the slowest call.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
timed as (
    select model, duration_ms, count(*) as calls
    from calls
    where duration_ms is not null
      and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by model, duration_ms
),
ranked as (
    select
        model,
        duration_ms,
        calls,
        sum(calls) over (partition by model order by duration_ms) as up_to,
        sum(calls) over (partition by model) as total
    from timed
)
select
    model,
    max(total) as calls,
    round(min(case when up_to >= total * 0.5 then duration_ms end) / 1000.0, 2) as p50,
    round(min(case when up_to >= total * 0.95 then duration_ms end) / 1000.0, 2) as p95,
    round(min(case when up_to >= total * 0.99 then duration_ms end) / 1000.0, 2) as p99,
    round(max(duration_ms) / 1000.0, 2) as slowest
from ranked
group by model
order by calls desc, model

-- title: Length of replies by model
-- topic: Models
-- means: The output tokens of a call, by model: mean, median, 95th percentile (nearest rank), and the longest reply.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
lengths as (
    select model, output_tokens, count(*) as calls
    from calls
    where output_tokens is not null and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by model, output_tokens
),
ranked as (
    select
        model, output_tokens, calls,
        sum(calls) over (partition by model order by output_tokens) as up_to,
        sum(calls) over (partition by model) as total
    from lengths
)
select
    model,
    max(total) as calls,
    round(1.0 * sum(output_tokens * calls) / max(total), 1) as mean,
    min(case when up_to >= total * 0.5 then output_tokens end) as median,
    min(case when up_to >= total * 0.95 then output_tokens end) as p95,
    max(output_tokens) as longest
from ranked
group by model
order by calls desc, model

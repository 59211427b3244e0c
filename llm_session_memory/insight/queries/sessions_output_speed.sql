-- title: Output speed by model
-- topic: Models
-- means: Output tokens divided by the seconds that the calls took, over all calls of a model. The seconds include reading the prompt.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    model,
    count(*) as calls,
    round(sum(output_tokens) * 1000.0 / sum(duration_ms), 1) as tokens_a_second,
    round(avg(output_tokens)) as tokens_out_a_call,
    round(avg(duration_ms) / 1000.0, 2) as seconds_a_call
from calls
where duration_ms > 0 and output_tokens > 0
  and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by model
order by tokens_a_second desc, model

-- title: Tokens by model
-- topic: Models
-- means: The calls and tokens of each model, and when it was first and last used.
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
    sum(input_tokens) as tokens_in,
    sum(output_tokens) as tokens_out,
    substr(min(datetime_utc), 1, 10) as first_used,
    substr(max(datetime_utc), 1, 10) as last_used
from calls
where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by model
order by tokens_in desc, model

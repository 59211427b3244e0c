-- title: Tokens per day, by model
-- topic: Activity
-- means: Tokens sent to models and tokens returned, as the servers counted them, by day (UTC) and model.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    substr(datetime_utc, 1, 10) as day,
    model,
    count(*) as calls,
    sum(input_tokens) as tokens_in,
    sum(output_tokens) as tokens_out
from calls
where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by day, model
order by day desc, tokens_in desc, model

-- title: Models side by side
-- topic: Models
-- means: For each model: calls, conversations, average tokens in and out, average seconds per call, output tokens per second, dollars per 1,000 calls (from the average call), and failed prompts.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
failures as (
    select model, count(*) as failed from memory_attempts where not session_in_progress(request_json) group by model
)
select
    c.model,
    count(*) as calls,
    count(distinct c.thread_id) as conversations,
    round(avg(c.input_tokens)) as tokens_in,
    round(avg(c.output_tokens)) as tokens_out,
    round(avg(c.duration_ms) / 1000.0, 2) as seconds,
    round(sum(c.output_tokens) * 1000.0 / nullif(sum(c.duration_ms), 0), 1) as tokens_a_second,
    round(avg(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)) * 1000, 2) as dollars_per_1000,
    (select failed from failures f where f.model = c.model) as failed
from calls c
where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by c.model
order by calls desc, c.model

-- title: Cost per day
-- topic: Cost and budgets
-- means: The cost of each day's calls in US dollars, at that day's prices. Calls to local models and calls whose price is unknown are counted, but not priced.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
priced as materialized (
    select
        substr(datetime_utc, 1, 10) as day, model,
        session_cost(model, input_tokens, output_tokens, datetime_utc) as cost
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
),
summed as (
    select day, sum(cost) as dollars, count(cost) as priced, count(*) * session_is_local(model) as local, count(*) as calls
    from priced
    group by day, model
)
select
    day,
    round(sum(dollars), 4) as dollars,
    sum(priced) as calls_priced,
    sum(local) as calls_local,
    sum(calls - priced - local) as calls_unknown
from summed
group by day
order by day desc

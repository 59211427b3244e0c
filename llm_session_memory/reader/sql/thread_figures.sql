-- The totals of a thread's turns.
with said as materialized (
    select
        model, input_tokens, output_tokens, duration_ms, datetime_utc,
        session_cost(model, input_tokens, output_tokens, datetime_utc) as cost
    from turns where thread_id = :thread_id
)
select
    count(*) as calls,
    sum(t.input_tokens) as input_tokens,
    sum(t.output_tokens) as output_tokens,
    sum(t.duration_ms) as duration_ms,
    sum(t.cost) as cost,
    count(t.cost) as priced,
    count(t.input_tokens) as counted,
    sum(case when t.cost is null then session_is_local(t.model) else 0 end) as local,
    min(t.datetime_utc) as first_utc,
    max(t.datetime_utc) as last_utc
from said t

-- What a thread's turns come to.
select
    count(*) as calls,
    sum(t.input_tokens) as input_tokens,
    sum(t.output_tokens) as output_tokens,
    sum(t.duration_ms) as duration_ms,
    sum(t.cost) as cost,
    count(t.cost) as priced,
    count(t.input_tokens) as counted,
    sum(session_is_local(t.model)) as local,
    min(t.datetime_utc) as first_utc,
    max(t.datetime_utc) as last_utc
from (
    select *, session_cost(model, input_tokens, output_tokens, datetime_utc) as cost
    from turns where thread_id = :thread_id
) t

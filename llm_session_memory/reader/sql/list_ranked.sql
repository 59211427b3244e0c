-- Threads with their tokens, their cost or their exchanges (the turns that do not answer a tool's results, without what
-- was undone).
-- Tokens and cost read every turn once; exchanges read only the index on the thread. Only turns with tools are checked
-- for what they answer.
with
continuing as materialized (
    select t.id, t.thread_id
    from (select distinct turn_id from turn_tools) o
    cross join turns t on t.id = o.turn_id
    cross join messages m on m.hash = t.parent_message_hash and m.role = 'tool'
),
less as materialized (
    select thread_id, count(*) as turns from continuing group by thread_id
),
by_tokens as (
    select thread_id, sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as value
    from turns
    where :by = 'tokens'
    group by thread_id
),
by_cost as (
    select thread_id, sum(session_cost(model, input_tokens, output_tokens, datetime_utc)) as value
    from turns
    where :by = 'cost'
    group by thread_id
),
counted as (
    select thread_id, count(*) as turns from turns where :by = 'exchanges' group by thread_id
),
out as materialized (
    select thread_id, count(*) as exchanges from memory_undone group by thread_id
),
by_exchanges as (
    select c.thread_id, c.turns - coalesce(l.turns, 0) - coalesce(o.exchanges, 0) as value
    from counted c
    left join less l on l.thread_id = c.thread_id
    left join out o on o.thread_id = c.thread_id
)
select thread_id, value from by_tokens
union all
select thread_id, value from by_cost
union all
select thread_id, value from by_exchanges

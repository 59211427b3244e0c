-- title: Rounds of tool calls
-- topic: Tools
-- means: How many calls exchanges with tools took, with their average seconds and tokens: each round sends the whole request again.
with
continuing as (
    select o.turn_id as id
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join messages m on m.hash = t.parent_message_hash and m.role = 'tool'
    union
    select response_id from tool_results where response_id is not null
),
calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
of_exchanges as (
    select
        thread_id, id in (select id from continuing) as continues, duration_ms, input_tokens, output_tokens,
        sum(id not in (select id from continuing)) over (partition by thread_id order by id) as exchange
    from calls
    where thread_id in (select thread_id from calls where id in (select id from continuing))
),
exchanges as (
    select
        count(*) as calls, sum(duration_ms) as duration_ms,
        sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens
    from of_exchanges
    group by thread_id, exchange
    having sum(continues) > 0
)
select
    calls as calls_in_the_exchange, count(*) as exchanges, round(avg(duration_ms) / 1000.0, 2) as seconds, round(avg(tokens)) as tokens
from exchanges
group by calls
order by calls

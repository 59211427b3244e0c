-- title: Calls with and without tools
-- topic: Tools
-- means: The calls that offered tools and those that did not: average tokens in and out, seconds, and the cost in US dollars. The definitions of tools are sent with every call.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
sorted as (
    select
        (id in (select turn_id from turn_tools) or id in (select response_id from tool_responses)) as tools,
        model, datetime_utc, duration_ms, input_tokens, output_tokens
    from calls
    where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
)
select
    case when tools then 'with tools' else 'without tools' end as kind,
    count(*) as calls,
    round(avg(input_tokens)) as tokens_in,
    round(avg(output_tokens)) as tokens_out,
    round(avg(duration_ms) / 1000.0, 2) as seconds,
    round(sum(session_cost(model, input_tokens, output_tokens, datetime_utc)), 4) as dollars
from sorted
group by tools
order by tools desc

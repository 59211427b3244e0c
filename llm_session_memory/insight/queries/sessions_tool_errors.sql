-- title: Errors of tools
-- topic: Tools
-- means: The tool calls that raised an exception, by tool: how often, the percentage of its results, and the newest exception.
with results as (
    select t.id, t.datetime_utc, p.tool_name as name, json_extract(p.payload, '$.exception') as exception
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join parts p on p.message_hash = t.parent_message_hash and p.type = 'tool_result' and json_valid(p.payload)
    union all
    select r.id, r.datetime_utc, x.name, x.exception
    from tool_results x
    join responses r on r.id = x.response_id
    where not exists (select 1 from turns t where t.id = r.id)
),
counted as (
    select
        name, count(*) as results, count(exception) as errors,
        max(case when exception is not null then datetime_utc || ' ' || id end) as newest
    from results
    group by name
    having count(exception) > 0
)
select
    c.name as tool, c.errors, round(100.0 * c.errors / c.results, 1) as percent_of_results, r.exception as newest_exception,
    r.datetime_utc as last_error, r.id as turn_id
from counted c
join results r on r.name is c.name and r.exception is not null and r.datetime_utc || ' ' || r.id = c.newest
group by c.name, c.errors, c.results, r.exception, r.datetime_utc, r.id
order by c.errors desc, c.name

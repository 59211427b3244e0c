-- title: Tools by plugin
-- topic: Tools
-- means: The tools that calls offered, by the plugin that they are from: how many tools, the calls that offered one, and the last such call.
with offered as (
    select o.tool_id, o.turn_id as call_id, t.datetime_utc from turn_tools o join turns t on t.id = o.turn_id
    union all
    select o.tool_id, o.response_id, r.datetime_utc
    from tool_responses o
    join responses r on r.id = o.response_id
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    coalesce(x.plugin, 'none: a function, or llm itself') as plugin, count(distinct x.name) as number_of_tools,
    group_concat(distinct x.name) as names, count(distinct o.call_id) as offered, max(o.datetime_utc) as last_offered
from offered o
join tools x on x.id = o.tool_id
group by x.plugin
order by offered desc

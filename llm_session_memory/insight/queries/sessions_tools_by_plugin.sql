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
),
used as (
    select plugin, count(*) as number, group_concat(name) as names
    from (
        select distinct x.plugin, x.name from tools x
        where x.id in (select tool_id from offered)
        order by x.plugin, x.name
    ) d
    group by plugin
)
select
    coalesce(x.plugin, 'none: a function, or llm itself') as plugin, u.number as number_of_tools,
    u.names, count(distinct o.call_id) as offered, max(o.datetime_utc) as last_offered
from offered o
join tools x on x.id = o.tool_id
join used u on u.plugin is x.plugin
group by x.plugin, u.number, u.names
order by offered desc, plugin

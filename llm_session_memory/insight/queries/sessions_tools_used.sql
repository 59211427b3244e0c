-- title: Tools used
-- topic: Tools
-- means: How often models called each tool, how many calls offered it, and when it was last offered.
with
called as (
    select p.tool_name as name, count(*) as calls
    from turn_tools o
    join turns t on t.id = o.turn_id
    join parts p on p.message_hash = t.tip_message_hash and p.type = 'tool_call'
    where o.tool_id = (select min(f.tool_id) from turn_tools f where f.turn_id = o.turn_id)
    group by p.tool_name
    union all
    select name, count(*) from tool_calls where response_id not in (select id from turns) group by name
),
offered as (
    select tools.name, o.turn_id as call_id, t.datetime_utc
    from turn_tools o
    join tools on tools.id = o.tool_id
    join turns t on t.id = o.turn_id
    union all
    select tools.name, o.response_id, r.datetime_utc
    from tool_responses o
    join tools on tools.id = o.tool_id
    join responses r on r.id = o.response_id
)
select
    o.name as tool,
    (select sum(c.calls) from called c where c.name = o.name) as calls,
    count(distinct o.call_id) as offered,
    max(o.datetime_utc) as last_offered
from offered o
group by o.name
order by calls desc, offered desc, tool

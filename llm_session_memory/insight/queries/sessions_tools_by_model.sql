-- title: Tools by model
-- topic: Tools
-- means: Which models call which tools, and how often.
with called as (
    select t.model, p.tool_name as name, t.datetime_utc
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join parts p on p.message_hash = t.tip_message_hash and p.type = 'tool_call'
    union all
    select r.model, x.name, r.datetime_utc
    from tool_calls x
    join responses r on r.id = x.response_id
    where not exists (select 1 from turns t where t.id = r.id)
)
select model, name as tool, count(*) as calls, max(datetime_utc) as last_call
from called
group by model, name
order by calls desc, model, name

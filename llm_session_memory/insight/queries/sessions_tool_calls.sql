-- title: Newest tool calls
-- topic: Tools
-- means: The newest calls of tools by models, with their arguments.
-- param tool: only this tool; empty for all
with called as (
    select t.id, t.thread_id, t.datetime_utc, t.model, p.tool_name as name, json_extract(p.payload, '$.arguments') as arguments
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join parts p on p.message_hash = t.tip_message_hash and p.type = 'tool_call' and json_valid(p.payload)
    union all
    select r.id, r.conversation_id, r.datetime_utc, r.model, x.name, x.arguments
    from tool_calls x
    join responses r on r.id = x.response_id
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    c.datetime_utc, s.name as session, c.model, c.name as tool, substr(c.arguments, 1, 300) as arguments,
    c.id as turn_id, c.thread_id
from called c
left join memory_sessions s on s.thread_id = c.thread_id
where (:tool = '' or c.name = :tool)
order by c.datetime_utc desc, c.id desc, c.name, c.arguments
limit 200

-- The tools that the first turn of a thread offered: llm offers them again when a conversation continues.
select
    tools.name, tools.description, tools.input_schema, tools.plugin,
    turn_tools.instance_id,
    tool_instances.name as instance_name,
    tool_instances.arguments as instance_arguments
from turn_tools
join tools on tools.id = turn_tools.tool_id
left join tool_instances on tool_instances.id = turn_tools.instance_id
where turn_tools.turn_id = (select id from turns where thread_id = :thread_id order by rowid limit 1)

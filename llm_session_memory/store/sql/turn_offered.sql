-- The tools that a turn offered, with the toolbox or the server's tool behind each.
select
    tools.name, tools.description, tools.input_schema, tools.plugin,
    turn_tools.instance_id,
    tool_instances.name as instance_name,
    tool_instances.arguments as instance_arguments
from turn_tools
join tools on tools.id = turn_tools.tool_id
left join tool_instances on tool_instances.id = turn_tools.instance_id
where turn_tools.turn_id = :turn_id
order by turn_tools.rowid

-- The tools that turns offered, by id (a JSON array), with the toolbox or the server's tool behind each.
select
    tt.turn_id, tools.name, tools.description, tools.input_schema, tools.plugin, tools.hash,
    i.name as instance_name, i.arguments
from turn_tools tt
join tools on tools.id = tt.tool_id
left join tool_instances i on i.id = tt.instance_id
where tt.turn_id in (select value from json_each(:ids))
order by tt.rowid

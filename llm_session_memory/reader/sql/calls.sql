-- Turns by id (a JSON array), with the session's records about them, and the tools and the schema sent with them.
select
    t.id, t.model, t.input_tokens, t.output_tokens, t.duration_ms, t.datetime_utc,
    session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc) as cost,
    c.estimate, c.cut, c.block_id,
    (select json_group_array(o.name)
       from (select distinct tools.name from turn_tools join tools on tools.id = turn_tools.tool_id
             where turn_tools.turn_id = t.id order by 1) o) as tools,
    (select s.content from schemas s where s.id = t.schema_id) as schema_json
from json_each(:ids) wanted
join turns t on t.id = wanted.value
left join memory_contexts c on c.turn_id = t.id
order by t.id

-- Tools, their instances and schemas that only what goes, or has gone, used.
insert or ignore into temp.gone_tools
select n.id, :batch
from temp.near_tools n
where n.id not in (
    select tool_id from turn_tools
    where tool_id in (select id from temp.near_tools) and turn_id not in (select id from temp.gone_turns)
    union
    select tool_id from tool_responses
    where tool_id in (select id from temp.near_tools) and response_id not in (select id from temp.gone_responses)
    union
    select tool_id from tool_calls
    where tool_id in (select id from temp.near_tools) and response_id not in (select id from temp.gone_responses)
    union
    select tool_id from tool_results
    where tool_id in (select id from temp.near_tools) and id not in (select id from temp.gone_results)
);
insert or ignore into temp.gone_instances
select n.id, :batch
from temp.near_instances n
where n.id not in (
    select instance_id from turn_tools
    where instance_id in (select id from temp.near_instances) and turn_id not in (select id from temp.gone_turns)
    union
    select instance_id from tool_instantiations
    where instance_id in (select id from temp.near_instances) and turn_id not in (select id from temp.gone_turns)
    union
    select instance_id from tool_results
    where instance_id in (select id from temp.near_instances) and id not in (select id from temp.gone_results)
);
insert or ignore into temp.gone_schemas
select n.id, :batch
from temp.near_schemas n
where n.id not in (
    select schema_id from turns
    where schema_id in (select id from temp.near_schemas) and id not in (select id from temp.gone_turns)
    union
    select schema_id from responses
    where schema_id in (select id from temp.near_schemas) and id not in (select id from temp.gone_responses)
);

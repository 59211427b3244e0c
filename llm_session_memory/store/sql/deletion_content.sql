-- Fragments and attachments that only what goes refers to.
insert or ignore into temp.near_fragments
select fragment_id from turn_fragments where turn_id in (select id from temp.gone_turns where batch = :batch)
union
select fragment_id from part_fragments where part_id in (select id from temp.gone_parts where batch = :batch)
union
select fragment_id from prompt_fragments where response_id in (select id from temp.gone_responses where batch = :batch)
union
select fragment_id from system_fragments where response_id in (select id from temp.gone_responses where batch = :batch);
insert or ignore into temp.gone_fragments
select n.id, :batch
from temp.near_fragments n
where n.id not in (select id from temp.kept_fragments)
  and n.id not in (select fragment_id from fragment_aliases where fragment_id is not null)
  and not exists (
      select 1 from turn_fragments f
      where f.fragment_id = n.id and f.turn_id not in (select id from temp.gone_turns)
  )
  and not exists (
      select 1 from part_fragments f where f.fragment_id = n.id and f.part_id not in (select id from temp.gone_parts)
  )
  and n.id not in (
      select fragment_id from prompt_fragments
      where fragment_id in (select id from temp.near_fragments)
        and response_id not in (select id from temp.gone_responses)
  )
  and n.id not in (
      select fragment_id from system_fragments
      where fragment_id in (select id from temp.near_fragments)
        and response_id not in (select id from temp.gone_responses)
  );
insert or ignore into temp.near_attachments
select attachment_id from part_attachments where part_id in (select id from temp.gone_parts where batch = :batch)
union
select attachment_id from prompt_attachments
where response_id in (select id from temp.gone_responses where batch = :batch)
union
select attachment_id from tool_results_attachments
where tool_result_id in (select id from temp.gone_results where batch = :batch);
insert or ignore into temp.gone_attachments
select n.id, :batch
from temp.near_attachments n
where n.id not in (
    select attachment_id from part_attachments
    where attachment_id in (select id from temp.near_attachments) and part_id not in (select id from temp.gone_parts)
    union
    select attachment_id from prompt_attachments
    where attachment_id in (select id from temp.near_attachments)
      and response_id not in (select id from temp.gone_responses)
    union
    select attachment_id from tool_results_attachments
    where attachment_id in (select id from temp.near_attachments)
      and tool_result_id not in (select id from temp.gone_results)
);
-- what tools and schemas a batch used; they go after the last one
insert or ignore into temp.near_tools
select tool_id from turn_tools where turn_id in (select id from temp.gone_turns where batch = :batch) and tool_id is not null
union
select tool_id from tool_responses
where response_id in (select id from temp.gone_responses where batch = :batch) and tool_id is not null
union
select tool_id from tool_calls
where response_id in (select id from temp.gone_responses where batch = :batch) and tool_id is not null
union
select tool_id from tool_results where id in (select id from temp.gone_results where batch = :batch) and tool_id is not null;
insert or ignore into temp.near_instances
select instance_id from turn_tools
where turn_id in (select id from temp.gone_turns where batch = :batch) and instance_id is not null
union
select instance_id from tool_instantiations
where turn_id in (select id from temp.gone_turns where batch = :batch) and instance_id is not null
union
select instance_id from tool_results
where id in (select id from temp.gone_results where batch = :batch) and instance_id is not null;
insert or ignore into temp.near_schemas
select schema_id from turns where id in (select id from temp.gone_turns where batch = :batch) and schema_id is not null
union
select schema_id from responses
where id in (select id from temp.gone_responses where batch = :batch) and schema_id is not null;

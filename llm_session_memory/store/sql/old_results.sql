-- The tool results that only an older llm logged, by response id (a JSON array), in the order of legacy_turns.
select
    r.response_id, r.tool_call_id, r.exception, i.arguments,
    (
        select json_group_array(a.attachment_id)
        from (select * from tool_results_attachments where tool_result_id = r.id order by "order") a
    ) as attachment_ids
from tool_results r
left join tool_instances i on i.id = r.instance_id
where r.response_id in (select value from json_each(:ids))
order by r.id

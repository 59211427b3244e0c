-- Calls that only an older llm logged, by id (a JSON array), oldest first. Tool calls and results have no index on
-- response_id, so each table is read once for all calls.
with
calls as materialized (select * from tool_calls where response_id in (select value from json_each(:ids))),
results as materialized (select * from tool_results where response_id in (select value from json_each(:ids)))
select
    r.id, r.model, r.prompt, r.response, r.input_tokens, r.output_tokens, r.duration_ms, r.datetime_utc,
    (select json_group_array(json_object('name', tc.name, 'arguments', tc.arguments, 'tool_call_id', tc.tool_call_id))
       from (select * from calls where response_id = r.id order by id) tc) as tool_calls,
    (select json_group_array(json_object('name', tr.name, 'output', tr.output, 'tool_call_id', tr.tool_call_id))
       from (select * from results where response_id = r.id order by id) tr) as tool_results,
    (select json_group_array(a.attachment_id)
       from (select * from prompt_attachments where response_id = r.id order by "order") a) as attachment_ids,
    (select json_group_array(f.content)
       from (select fragments.content from prompt_fragments pf join fragments on fragments.id = pf.fragment_id
             where pf.response_id = r.id order by pf."order") f) as fragments
from json_each(:ids) wanted
join responses r on r.id = wanted.value
order by r.id

-- Calls that only an older llm logged, by id (a JSON array), with fragments, attachments and tools as JSON.
-- Tool calls and results have no index on response_id, so each table is read once for all calls.
with
calls as materialized (select * from tool_calls where response_id in (select value from json_each(:ids))),
results as materialized (select * from tool_results where response_id in (select value from json_each(:ids)))
select
    r.id, r.model, r.prompt, r.system, r.response, r.input_tokens, r.output_tokens, r.duration_ms, r.datetime_utc,
    (select json_group_array(json_object('name', c.name, 'arguments', c.arguments, 'call', c.tool_call_id))
       from (select * from calls where response_id = r.id order by id) c) as tool_calls,
    (select json_group_array(json_object('name', s.name, 'output', s.output, 'id', s.id, 'call', s.tool_call_id))
       from (select * from results where response_id = r.id order by id) s) as tool_results,
    (select json_group_array(json_object('result', a.tool_result_id, 'id', a.attachment_id))
       from tool_results_attachments a
       where a.tool_result_id in (select id from results where response_id = r.id)) as result_attachments,
    (select json_group_array(a.attachment_id)
       from (select * from prompt_attachments where response_id = r.id order by "order") a) as attachment_ids,
    (select json_group_array(json_object('name', coalesce(f.source, f.hash), 'content', f.content))
       from (select g.content, g.source, g.hash from prompt_fragments pf join fragments g on g.id = pf.fragment_id
             where pf.response_id = r.id order by pf."order") f) as fragments,
    (select json_group_array(t.name)
       from tool_responses u join tools t on t.id = u.tool_id where u.response_id = r.id) as tools,
    (select s.content from schemas s where s.id = r.schema_id) as schema_json
from json_each(:ids) wanted
join responses r on r.id = wanted.value
order by r.id

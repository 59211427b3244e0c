-- Details of calls that only an older llm logged, for an export, beyond their messages, by id (a JSON array).
select
    r.id, r.system, r.resolved_model, r.options_json, r.token_details, r.response_json, r.reasoning,
    s.content as schema_json
from json_each(:ids) wanted
join responses r on r.id = wanted.value
left join schemas s on s.id = r.schema_id

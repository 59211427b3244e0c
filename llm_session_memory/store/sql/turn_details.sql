-- Details of turns for an export, beyond their messages, by id (a JSON array).
select
    t.id, t.parent_message_hash, t.resolved_model, t.options_json, t.token_details, t.response_json,
    s.content as schema_json,
    c.base, c.estimate, c.cut, c.number, c.after_turn_id, c.block_id
from json_each(:ids) wanted
join turns t on t.id = wanted.value
left join schemas s on s.id = t.schema_id
left join memory_contexts c on c.turn_id = t.id

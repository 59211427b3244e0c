-- Turns by id (a JSON array), with our record of them.
select
    t.id, t.model, t.input_tokens, t.output_tokens, t.duration_ms, t.datetime_utc,
    c.base, c.block_id, c.cut, b.window,
    (select s.content from schemas s where s.id = t.schema_id) as schema_json
from json_each(:ids) wanted
join turns t on t.id = wanted.value
left join memory_contexts c on c.turn_id = t.id
left join memory_blocks b on b.id = c.block_id
order by t.id

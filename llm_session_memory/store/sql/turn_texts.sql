-- The searchable texts of turns: the typed prompt and the reply as in llm's own index (no fragments, no reasoning), and
-- the tool results that the turn answered; if they had to be cut before they were sent, the full results.
select
    t.id as turn_id,
    coalesce(s.prompt, '') as prompt,
    coalesce((
        select group_concat(json_extract(part.value, '$.output'), char(10))
        from memory_originals o, json_each(o.messages_json) message, json_each(message.value, '$.parts') part
        where o.turn_id = t.id and json_extract(part.value, '$.type') = 'tool_result'
    ), (
        select group_concat(output, char(10))
        from (
            select json_extract(p.payload, '$.output') as output
            from parts p
            where p.type = 'tool_result' and p.message_hash in (
                select m.hash from messages m where m.hash = t.parent_message_hash
                union all
                select earlier.hash from messages m join messages earlier on earlier.hash = m.parent_hash
                where m.hash = t.parent_message_hash and m.role = 'user' and earlier.role = 'tool'
            )
            order by p.id
        )
    ), '') as tool,
    coalesce(s.response, '') as reply
from turns t
left join turn_search s on s.turn_id = t.id
where t.id in (select value from json_each(:ids))

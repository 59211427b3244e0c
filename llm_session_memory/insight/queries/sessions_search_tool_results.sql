-- title: Search in tool results
-- topic: Search
-- means: The newest tool results that contain a text, ignoring the case of English letters. The full-text search has prompts and replies only.
-- param q: the text to find
with results as (
    select t.id, t.thread_id, t.datetime_utc, p.tool_name as name, json_extract(p.payload, '$.output') as output
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join parts p on p.message_hash = t.parent_message_hash and p.type = 'tool_result' and json_valid(p.payload)
    union all
    select r.id, r.conversation_id, r.datetime_utc, x.name, x.output
    from tool_results x
    join responses r on r.id = x.response_id
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    x.datetime_utc, s.name as session, x.name as tool,
    substr(x.output, max(instr(lower(x.output), lower(:q)) - 100, 1), 300) as output,
    length(x.output) as characters, x.id as turn_id, x.thread_id
from results x
left join memory_sessions s on s.thread_id = x.thread_id
where :q <> '' and instr(lower(x.output), lower(:q)) > 0
order by x.datetime_utc desc, x.id desc, x.output
limit 200

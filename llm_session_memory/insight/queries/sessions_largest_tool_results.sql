-- title: Largest tool results
-- topic: Tools
-- means: The results of tools with the most characters: they fill the context window.
with results as (
    select t.id, t.thread_id, t.datetime_utc, p.tool_name as name, length(json_extract(p.payload, '$.output')) as characters
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join parts p on p.message_hash = t.parent_message_hash and p.type = 'tool_result' and json_valid(p.payload)
    union all
    select r.id, r.conversation_id, r.datetime_utc, x.name, length(x.output)
    from tool_results x
    join responses r on r.id = x.response_id
    where not exists (select 1 from turns t where t.id = r.id)
)
select x.characters, x.name as tool, s.name as session, x.datetime_utc, x.id as turn_id, x.thread_id
from results x
left join memory_sessions s on s.thread_id = x.thread_id
order by x.characters desc, x.id, x.name
limit 100

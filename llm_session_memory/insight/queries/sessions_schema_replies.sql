-- title: Replies to a schema
-- topic: Fragments, schemas, attachments
-- means: The newest replies that had to follow a schema, with their prompts. Texts are cut at 300 characters.
-- param schema: id of the schema, see “Schemas used”; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, schema_id from turns where schema_id is not null
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.schema_id
    from responses r
    where r.schema_id is not null and not exists (select 1 from turns t where t.id = r.id)
)
select
    c.datetime_utc, s.name as session, c.model, c.schema_id, substr(coalesce(q.prompt, r.prompt), 1, 300) as prompt,
    substr(coalesce(q.response, r.response), 1, 300) as response, c.id as turn_id, c.thread_id
from calls c
left join turn_search q on q.turn_id = c.id
left join responses r on r.id = c.id
left join memory_sessions s on s.thread_id = c.thread_id
where (:schema = '' or c.schema_id = :schema)
order by c.datetime_utc desc, c.id desc
limit 200

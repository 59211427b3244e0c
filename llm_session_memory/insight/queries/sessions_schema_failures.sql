-- title: Replies that are not JSON
-- topic: Fragments, schemas, attachments
-- means: For each model and schema, the replies that had to follow the schema and are not JSON at all. A reply can be JSON and still not follow it.
with calls as (
    select id, thread_id, model, datetime_utc, schema_id from turns where schema_id is not null
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.schema_id
    from responses r
    where r.schema_id is not null and not exists (select 1 from turns t where t.id = r.id)
)
select
    c.model, c.schema_id, count(*) as calls, sum(not json_valid(coalesce(q.response, r.response, ''))) as not_json,
    round(100.0 * sum(not json_valid(coalesce(q.response, r.response, ''))) / count(*), 1) as percent_not_json
from calls c
left join turn_search q on q.turn_id = c.id
left join responses r on r.id = c.id
group by c.model, c.schema_id
order by percent_not_json desc, calls desc, c.model, c.schema_id

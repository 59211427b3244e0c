-- title: Schemas used
-- topic: Fragments, schemas, attachments
-- means: The schemas that replies had to follow: how often each one was used, with which models, and when last.
with used as (
    select schema_id, model, datetime_utc from turns where schema_id is not null
    union all
    select r.schema_id, r.model, r.datetime_utc
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    u.schema_id,
    sum(u.calls) as calls,
    group_concat(u.model) as models,
    max(u.last_used) as last_used,
    s.content as schema
from (
    select schema_id, model, count(*) as calls, max(datetime_utc) as last_used
    from used
    where schema_id is not null
    group by schema_id, model
    order by schema_id, model
) u
left join schemas s on s.id = u.schema_id
group by u.schema_id, s.content
order by calls desc, u.schema_id

-- title: Schemas used
-- topic: Fragments, schemas, attachments
-- means: The schemas that replies had to follow: how often each one was used, with which models, and when last.
with used as (
    select schema_id, model, datetime_utc from turns where schema_id is not null
    union all
    select
        (select schema_id from responses o where o.rowid = r.rowid) as schema_id, -- null if llm was too old to have it
        r.model, r.datetime_utc
    from responses r
    join (select null as schema_id)
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    u.schema_id,
    count(*) as calls,
    group_concat(distinct u.model) as models,
    max(u.datetime_utc) as last_used,
    s.content as schema
from used u
left join schemas s on s.id = u.schema_id
where u.schema_id is not null
group by u.schema_id
order by calls desc

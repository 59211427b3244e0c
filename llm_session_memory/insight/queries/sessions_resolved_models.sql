-- title: Models that actually replied
-- topic: Models
-- means: The models that replied, as the servers reported them: over time, an alias such as “latest” can mean different models.
with calls as (
    select id, model, resolved_model, datetime_utc from turns
    union all
    select r.id, r.model, r.resolved_model, r.datetime_utc
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    model, resolved_model, count(*) as calls, substr(min(datetime_utc), 1, 10) as first_used,
    substr(max(datetime_utc), 1, 10) as last_used
from calls
where resolved_model is not null
group by model, resolved_model
order by model, last_used desc, resolved_model

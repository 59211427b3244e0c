-- title: Options used
-- topic: Models
-- means: The options that calls were sent with, such as temperature or num_ctx, by model: calls and the last use. Calls without options are left out.
-- param model: only this model; empty for all
with calls as (
    select id, model, options_json, datetime_utc from turns
    union all
    select r.id, r.model, r.options_json, r.datetime_utc
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select model, options_json as options, count(*) as calls, max(datetime_utc) as last_used
from calls
where nullif(options_json, '{}') is not null and (:model = '' or model = :model)
group by model, options_json
order by calls desc, model, options_json
limit 200

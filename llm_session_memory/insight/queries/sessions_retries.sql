-- title: Retries
-- topic: Failures and retries
-- means: The failed prompts that were answered later, by the model that failed and the one that answered: how many, and the average minutes in between.
with calls as (
    select id, model, datetime_utc from turns
    union all
    select r.id, r.model, r.datetime_utc from responses r where not exists (select 1 from turns t where t.id = r.id)
)
select
    a.model as failed_model, c.model as answered_by_model, count(*) as prompts,
    round(avg(1440 * (julianday(c.datetime_utc) - julianday(a.datetime_utc))), 1) as minutes
from memory_attempts a
join calls c on c.id = a.answered_by
group by a.model, c.model
order by prompts desc, a.model, c.model

-- title: Kinds of tokens
-- topic: Models
-- means: What servers count besides input and output, such as cached tokens and tokens of reasoning, by model. The names are those of the servers.
-- param days: how many days to look back; empty for all
with calls as (
    select id, model, token_details, datetime_utc from turns where token_details is not null
    union all
    select r.id, r.model, r.token_details, r.datetime_utc
    from responses r
    where r.token_details is not null and not exists (select 1 from turns t where t.id = r.id)
)
select c.model, cast(j.key as text) as detail, count(*) as calls, sum(cast(j.atom as integer)) as tokens
from calls c, json_tree(case when json_valid(c.token_details) then c.token_details end) j
where j.type = 'integer' and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by c.model, cast(j.key as text)
having sum(cast(j.atom as integer)) > 0
order by c.model, tokens desc, detail

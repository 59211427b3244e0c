-- title: Reasoning by model
-- topic: Models
-- means: The calls whose reasoning is in the log, by model, with its characters, among the newest 100,000 calls. Many servers count reasoning but keep its text to themselves.
with newest as (
    select id, model, datetime_utc, tip_message_hash from turns order by id desc limit 100000
),
calls as (
    select t.id, t.model, t.datetime_utc, sum(length(p.text)) as characters
    from newest t
    join parts p on p.message_hash = t.tip_message_hash and p.type = 'reasoning' and p.text <> ''
    group by t.id, t.model, t.datetime_utc
    union all
    select r.id, r.model, r.datetime_utc, length(r.reasoning)
    from responses r
    where r.reasoning <> '' and not exists (select 1 from turns t where t.id = r.id)
)
select
    model, count(*) as calls, sum(characters) as characters, round(avg(characters)) as characters_a_call,
    max(datetime_utc) as last_used
from calls
group by model
order by calls desc, model

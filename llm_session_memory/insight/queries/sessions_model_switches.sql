-- title: Changes of model in a conversation
-- topic: Models
-- means: How often conversations continued with another model, by the model before and after, among the newest 100,000 calls: where you go when a model disappoints you.
with newest as (
    select id, thread_id, model from (select id, thread_id, model from turns order by id desc limit 100000) t
    union all
    select r.id, r.conversation_id, r.model
    from (select id, conversation_id, model from responses order by id desc limit 100000) r
    where not exists (select 1 from turns t where t.id = r.id)
),
following as (
    select thread_id, model, lag(model) over (partition by thread_id order by id) as before from newest
)
select before as model_before, model as model_after, count(*) as times, count(distinct thread_id) as conversations
from following
where before <> model
group by before, model
order by times desc, before, model

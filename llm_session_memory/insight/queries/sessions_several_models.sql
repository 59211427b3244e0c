-- title: Conversations with several models
-- topic: Conversations
-- means: The conversations in which more than one model replied, newest first, with the models and the calls.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
mixed as (
    select thread_id, count(distinct model) as number, count(*) as calls, max(datetime_utc) as last_used
    from calls
    where thread_id is not null
    group by thread_id
    having min(model) <> max(model)
    order by last_used desc, thread_id
    limit 200
),
used as (
    select thread_id, group_concat(model) as models
    from (
        select distinct thread_id, model from calls
        where thread_id in (select thread_id from mixed)
        order by thread_id, model
    ) d
    group by thread_id
)
select
    coalesce(s.name, c.name, h.name) as session, u.number as number_of_models, d.models, u.calls, u.last_used, u.thread_id
from mixed u
left join used d on d.thread_id = u.thread_id
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.last_used desc, u.thread_id

-- title: Conversations by last use
-- topic: Housekeeping
-- means: How many conversations were used last in each year, named and unnamed, with their calls: what a retention rule would remove.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
ended as (
    select thread_id, count(*) as calls, max(datetime_utc) as last_used from calls where thread_id is not null group by thread_id
)
select
    substr(e.last_used, 1, 4) as year,
    count(s.thread_id) as named_sessions,
    count(*) - count(s.thread_id) as unnamed_conversations,
    sum(e.calls) as calls
from ended e
left join memory_sessions s on s.thread_id = e.thread_id
group by substr(e.last_used, 1, 4)
order by year desc

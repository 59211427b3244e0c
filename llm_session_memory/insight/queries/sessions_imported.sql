-- title: Imported conversations
-- topic: Conversations
-- means: The conversations that were imported, by the tool that they came from: how many, their calls, first and last call, and the last import.
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    o.source,
    count(distinct o.thread_id) as conversations,
    count(c.id) as calls,
    min(c.datetime_utc) as first_call,
    max(c.datetime_utc) as last_call,
    max(o.imported_utc) as last_import
from memory_origins o
left join calls c on c.thread_id = o.thread_id
group by o.source
order by count(distinct o.thread_id) desc, o.source

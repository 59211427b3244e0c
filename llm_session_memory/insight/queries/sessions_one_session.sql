-- title: One session as a table
-- topic: Conversations
-- means: The calls of a session or conversation, oldest first, with prompt, reply, tokens, seconds and cost.
-- param session: name or id of the session
with wanted as (
    select coalesce((
        select thread_id from memory_sessions
        where name = :session or name_key = session_key(:session) order by name = :session desc limit 1
    ), :session) as thread_id
)
select
    row_number() over (order by id) as call,
    datetime_utc, model, prompt, response, input_tokens, output_tokens,
    round(duration_ms / 1000.0, 2) as seconds,
    session_cost(model, input_tokens, output_tokens, datetime_utc) as dollars,
    id as turn_id
from (
    select t.id, t.datetime_utc, t.model, s.prompt, s.response, t.input_tokens, t.output_tokens, t.duration_ms
    from turns t
    left join turn_search s on s.turn_id = t.id
    where t.thread_id = (select thread_id from wanted)
    union all
    select r.id, r.datetime_utc, r.model, r.prompt, r.response, r.input_tokens, r.output_tokens, r.duration_ms
    from responses r
    where r.conversation_id = (select thread_id from wanted)
      and not exists (select 1 from turns t where t.id = r.id)
) calls
order by id

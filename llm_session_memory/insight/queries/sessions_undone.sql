-- title: Undone exchanges
-- topic: Forks and projects
-- means: The exchanges that were undone, newest first, with the prompt, the model, and the tokens and dollars of the first call. They are out of their session, but still in the log.
-- param session: only this session, by name or id; empty for all
with wanted as (
    select coalesce((
        select thread_id from memory_sessions
        where name = :session or name_key = session_key(:session) order by name = :session desc limit 1
    ), :session) as thread_id
),
calls as (
    select t.id, t.model, t.datetime_utc, t.input_tokens, t.output_tokens, q.prompt
    from memory_undone u
    join turns t on t.id = u.turn_id
    left join turn_search q on q.turn_id = t.id
    union
    select r.id, r.model, r.datetime_utc, r.input_tokens, r.output_tokens, r.prompt
    from memory_undone u
    join responses r on r.id = u.turn_id
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    u.undone_utc as undone,
    coalesce(s.name, h.name) as session,
    c.datetime_utc,
    c.model,
    substr(c.prompt, 1, 300) as prompt,
    c.input_tokens,
    c.output_tokens,
    round(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc), 4) as dollars,
    u.turn_id,
    u.thread_id
from memory_undone u
left join calls c on c.id = u.turn_id
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
where (:session = '' or u.thread_id = (select thread_id from wanted))
order by u.undone_utc desc, u.turn_id

-- title: Everything on a day
-- topic: Conversations
-- means: The calls of one day (UTC), oldest first, with session, prompt and reply. Texts are cut at 300 characters.
-- param day: the day, such as 2026-05-04; empty for today
with calls as (
    select t.id, t.thread_id, t.model, t.datetime_utc, t.input_tokens, t.output_tokens, q.prompt, q.response
    from turns t
    left join turn_search q on q.turn_id = t.id
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.input_tokens, r.output_tokens, r.prompt, r.response
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    u.datetime_utc, coalesce(s.name, c.name, h.name) as session, u.model,
    substr(u.prompt, 1, 300) as prompt, substr(u.response, 1, 300) as response,
    u.input_tokens, u.output_tokens, u.id as turn_id, u.thread_id
from calls u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
where u.datetime_utc >= date(coalesce(nullif(:day, ''), 'now'))
  and u.datetime_utc < date(coalesce(nullif(:day, ''), 'now'), '+1 day')
order by u.datetime_utc, u.id
limit 1000

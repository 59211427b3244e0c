-- title: Longest sessions
-- topic: Conversations
-- means: The sessions and conversations with the most calls, and the days between their first call and their last.
with counts as (
    select thread_id, count(*) as calls from turns group by thread_id
    union all
    select r.conversation_id, count(*)
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
    group by r.conversation_id
),
longest as (
    select thread_id from counts where thread_id is not null group by thread_id order by sum(calls) desc, thread_id limit 100
),
calls as (
    select t.thread_id, t.datetime_utc, t.input_tokens, t.output_tokens
    from longest l
    join turns t on t.thread_id = l.thread_id
    union all
    select r.conversation_id, r.datetime_utc, r.input_tokens, r.output_tokens
    from responses r
    where r.conversation_id in (select thread_id from longest) and not exists (select 1 from turns t where t.id = r.id)
)
select
    coalesce(s.name, c.name, h.name) as session,
    count(*) as calls,
    sum(u.input_tokens) as tokens_in,
    sum(u.output_tokens) as tokens_out,
    round(julianday(max(u.datetime_utc)) - julianday(min(u.datetime_utc)), 1) as days,
    u.thread_id
from calls u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
group by u.thread_id, s.name, c.name, h.name
order by calls desc, u.thread_id

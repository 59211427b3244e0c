-- title: Snapshots
-- topic: Forks and projects
-- means: The snapshots of sessions, newest first: the exchange that each ends with, and the calls, tokens and dollars since then.
-- param session: only this session, by name or id; empty for all
with wanted as (
    select coalesce((
        select thread_id from memory_sessions
        where name = :session or name_key = session_key(:session) order by name = :session desc limit 1
    ), :session) as thread_id
),
since as (
    select
        n.id, count(t.id) as calls, sum(t.input_tokens) as tokens_in, sum(t.output_tokens) as tokens_out,
        sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)) as dollars
    from memory_snapshots n
    join turns t on t.thread_id = n.thread_id and t.datetime_utc > n.made_utc
    group by n.id
)
select
    n.label as snapshot,
    coalesce(s.name, h.name) as session,
    n.made_utc as made,
    coalesce(u.calls, 0) as calls_since,
    u.tokens_in,
    u.tokens_out,
    round(u.dollars, 4) as dollars_since,
    n.turn_id,
    n.thread_id
from memory_snapshots n
left join since u on u.id = n.id
left join memory_sessions s on s.thread_id = n.thread_id
left join threads h on h.id = n.thread_id
where (:session = '' or n.thread_id = (select thread_id from wanted))
order by n.made_utc desc, n.thread_id, n.label_key

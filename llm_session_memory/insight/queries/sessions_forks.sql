-- title: Forks
-- topic: Forks and projects
-- means: The forks, family by family: the session that each was forked from, the last exchange that both have, and the calls and dollars of the fork alone. The family is the session that all its forks began with; the level counts the forks on the way from there.
with recursive family as (
    select distinct f.from_thread_id as root, f.from_thread_id as thread_id, 0 as level
    from memory_forks f
    where not exists (select 1 from memory_forks e where e.thread_id = f.from_thread_id)
    union
    select y.root, f.thread_id, y.level + 1
    from family y
    join memory_forks f on f.from_thread_id = y.thread_id
    where y.level < 1000
),
named as (
    select y.root, y.level, f.thread_id, f.from_thread_id, f.at_turn_id, f.forked_utc
    from family y
    join memory_forks f on f.thread_id = y.thread_id
),
spent as (
    select
        t.thread_id, count(*) as calls,
        sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)) as dollars
    from turns t
    where t.thread_id in (select thread_id from memory_forks)
    group by t.thread_id
)
select
    coalesce((select name from memory_sessions where thread_id = n.root), (select name from threads where id = n.root))
        as family,
    n.level,
    coalesce((select name from memory_sessions where thread_id = n.thread_id),
             (select name from threads where id = n.thread_id)) as fork,
    coalesce((select name from memory_sessions where thread_id = n.from_thread_id),
             (select name from threads where id = n.from_thread_id)) as forked_from,
    n.forked_utc as forked,
    coalesce(u.calls, 0) as own_calls,
    round(u.dollars, 4) as own_dollars,
    n.at_turn_id as turn_id,
    n.thread_id
from named n
left join spent u on u.thread_id = n.thread_id
order by n.root, n.level, n.forked_utc, n.thread_id

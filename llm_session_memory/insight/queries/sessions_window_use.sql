-- title: How full requests are
-- topic: Pruning
-- means: For each session, the tokens of its requests as a percentage of the budget: on average, at most, and of the newest request. Only requests that the server counted are included.
with counted as (
    select c.thread_id, c.turn_id, 100.0 * t.input_tokens / b.budget as percent, b.budget, b.window
    from memory_contexts c
    join turns t on t.id = c.turn_id
    join memory_blocks b on b.id = c.block_id
    where t.input_tokens > 0 and b.budget > 0
),
summed as (
    select thread_id, count(*) as requests, avg(percent) as mean, max(percent) as most, max(turn_id) as newest
    from counted
    group by thread_id
)
select
    s.name as session, u.requests, n.budget, n.window, round(u.mean, 1) as percent_full, round(u.most, 1) as percent_at_most,
    round(n.percent, 1) as percent_newest, u.thread_id
from summed u
join counted n on n.turn_id = u.newest
left join memory_sessions s on s.thread_id = u.thread_id
order by u.mean desc, u.thread_id

-- title: Pruned history and tokens saved
-- topic: Pruning
-- means: For each session: its number of exchanges, the first exchange that the newest request still sent whole, the percentage of exchanges left out before it, and roughly the tokens that this saved on that request. The estimate is twice the output tokens of the exchanges left out, as if prompts were as long as replies.
with latest as (
    select thread_id, max(turn_id) as turn_id from memory_contexts group by thread_id
),
newest as (
    select c.thread_id, c.number, c.estimate, b.start_number, b.start_turn_id, b.policy, b.budget
    from latest l
    join memory_contexts c on c.turn_id = l.turn_id
    join memory_blocks b on b.id = c.block_id
)
select
    s.name as session,
    n.policy,
    n.budget,
    n.number as exchanges,
    coalesce(n.start_number, 1) as first_sent,
    round(100.0 * (coalesce(n.start_number, 1) - 1) / nullif(n.number, 0), 1) as percent_pruned,
    n.estimate as tokens_sent,
    (
        select sum(t.output_tokens) * 2
        from turns t
        where t.thread_id = n.thread_id and t.id < n.start_turn_id
    ) as tokens_saved_about,
    n.thread_id
from newest n
join memory_sessions s on s.thread_id = n.thread_id
order by percent_pruned desc, exchanges desc, n.thread_id

-- title: Blocks of a session
-- topic: Pruning
-- means: The blocks of a session, oldest first: why each began, its first whole exchange, its budget and context window, and its requests with the tokens that the server counted.
-- param session: name or id of the session
with wanted as (
    select coalesce((
        select thread_id from memory_sessions
        where name = :session or name_key = session_key(:session) order by name = :session desc limit 1
    ), :session) as thread_id
)
select
    b.began_utc, b.reason, b.policy, coalesce(b.start_number, 1) as first_exchange, b.budget, b.window, b.window_source,
    count(c.turn_id) as requests, min(t.input_tokens) as fewest_tokens, max(t.input_tokens) as most_tokens
from memory_blocks b
left join memory_contexts c on c.block_id = b.id
left join turns t on t.id = c.turn_id
where b.thread_id = (select thread_id from wanted)
group by b.id, b.began_utc, b.reason, b.policy, b.start_number, b.budget, b.window, b.window_source
order by b.id

-- title: Pinned exchanges
-- topic: Conversations
-- means: The exchanges that sessions always send, newest pin first, with the prompt and the tokens of the reply.
select
    s.name as session, substr(q.prompt, 1, 300) as prompt, t.output_tokens, p.pinned_utc, p.turn_id, p.thread_id
from memory_pins p
left join memory_sessions s on s.thread_id = p.thread_id
left join turns t on t.id = p.turn_id
left join turn_search q on q.turn_id = p.turn_id
order by p.pinned_utc desc, p.turn_id, p.thread_id

-- title: Prompts cut by the server
-- topic: Pruning
-- means: Requests of sessions that the server cut, or that filled its context window: the tokens that the server counted, our estimate of what was sent, the context window, and how it was detected.
select
    s.name as session, c.number as exchange, t.model, t.input_tokens as counted, c.estimate as sent_about, b.window,
    c.cut, t.datetime_utc, c.turn_id
from memory_contexts c
join turns t on t.id = c.turn_id
left join memory_blocks b on b.id = c.block_id
left join memory_sessions s on s.thread_id = c.thread_id
where c.cut is not null
order by c.turn_id desc

-- title: Summaries
-- topic: Pruning
-- means: The summaries of sessions, newest first: the exchanges that each covers, its length, the model that wrote it, and the tokens of that call.
select
    s.name as session, m.exchanges, length(m.text) as characters, coalesce(m.model, 'you') as author, m.input_tokens,
    m.output_tokens, m.made_utc, m.last_turn_id as turn_id, m.thread_id
from memory_summaries m
left join memory_sessions s on s.thread_id = m.thread_id
order by m.made_utc desc, m.id desc

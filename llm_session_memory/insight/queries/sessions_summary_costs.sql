-- title: Cost of summaries
-- topic: Cost and budgets
-- means: The summaries that models wrote, by session: how many, their tokens and seconds, and the cost in US dollars. The other queries don't count it.
-- param days: how many days to look back; empty for all
select
    s.name as session, count(*) as summaries, m.model, sum(m.input_tokens) as tokens_in, sum(m.output_tokens) as tokens_out,
    round(sum(m.duration_ms) / 1000.0, 1) as seconds,
    round(sum(session_cost(m.model, m.input_tokens, m.output_tokens, m.made_utc)), 4) as dollars,
    m.thread_id
from memory_summaries m
left join memory_sessions s on s.thread_id = m.thread_id
where m.model is not null and (:days = '' or m.made_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by m.thread_id, s.name, m.model
order by dollars desc, summaries desc, m.thread_id, m.model

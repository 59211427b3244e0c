-- title: Recall by source session
-- topic: Recall
-- means: Which sessions the excerpts of each session came from: prompts with excerpts, excerpts, their tokens and average score, and the last time. A source without a name was deleted, or is on another computer.
select
    s.name as session,
    case when r.thread_id is null then s.name else o.name end as source,
    case when r.thread_id is null then 'itself' else 'another session' end as kind,
    count(distinct r.turn_id) as prompts,
    count(*) as excerpts,
    sum(r.tokens) as tokens,
    round(avg(r.score), 2) as mean_score,
    max(t.datetime_utc) as last_utc,
    c.thread_id
from memory_recalls r
join memory_contexts c on c.turn_id = r.turn_id
join turns t on t.id = r.turn_id
left join memory_sessions s on s.thread_id = c.thread_id
left join memory_sessions o on o.thread_id = r.thread_id
group by c.thread_id, r.thread_id, s.name, o.name
order by excerpts desc, session, source, c.thread_id, r.thread_id

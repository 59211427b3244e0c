-- title: Recall hits
-- topic: Recall
-- means: How often each session recalled older exchanges: prompts with excerpts, excerpts, their tokens and average score, and on average how many exchanges back those of the session itself were.
select
    s.name as session,
    count(distinct r.turn_id) as prompts,
    count(*) as excerpts,
    sum(r.tokens) as tokens,
    round(avg(r.score), 2) as mean_score,
    round(avg(case when r.thread_id is null then c.number - r.number end), 1) as exchanges_back,
    c.thread_id
from memory_recalls r
join memory_contexts c on c.turn_id = r.turn_id
left join memory_sessions s on s.thread_id = c.thread_id
group by c.thread_id, s.name
order by excerpts desc, c.thread_id

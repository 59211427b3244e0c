-- title: What recall finds
-- topic: Recall
-- means: Whether excerpts were from prompts, tool results, replies or attached texts: how many, their tokens, and the average score.
select
    case r.side when 0 then 'prompt' when 1 then 'tool result' when 2 then 'reply' else 'attached text' end as kind,
    count(*) as excerpts, sum(r.tokens) as tokens, round(avg(r.score), 2) as mean_score
from memory_recalls r
group by r.side
order by excerpts desc, r.side

-- title: Votes
-- topic: Comparisons
-- means: Which of two answers to one prompt you found better, newest first, with the models, and whether their names were hidden.
select
    v.voted_utc, a.model as model_a, b.model as model_b,
    case v.better when 'a' then a.model when 'b' then b.model else 'neither' end as better,
    v.blind, substr(q.prompt, 1, 300) as prompt, v.a_turn_id as turn_id, v.b_turn_id
from memory_votes v
join turns a on a.id = v.a_turn_id
join turns b on b.id = v.b_turn_id
left join turn_search q on q.turn_id = v.a_turn_id
order by v.voted_utc desc, v.a_turn_id, v.b_turn_id

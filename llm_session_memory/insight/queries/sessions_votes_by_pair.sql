-- title: Votes by pair of models
-- topic: Comparisons
-- means: For each pair of models: how many votes preferred the first, the second, or neither.
with sides as (
    select a.model, b.model as other, v.better = 'a' as won, v.better = 'b' as lost, v.better = '=' as tied, v.blind
    from memory_votes v
    join turns a on a.id = v.a_turn_id
    join turns b on b.id = v.b_turn_id
    where a.model <> b.model
    union all
    select b.model, a.model, v.better = 'b', v.better = 'a', v.better = '=', v.blind
    from memory_votes v
    join turns a on a.id = v.a_turn_id
    join turns b on b.id = v.b_turn_id
    where a.model <> b.model
)
select model, other as other_model, count(*) as votes, sum(won) as better, sum(tied) as as_good, sum(lost) as other_better
from sides
where model < other
group by model, other
order by votes desc, model, other

-- title: Votes by model
-- topic: Comparisons
-- means: How often the answers of each model were found better, worse or as good as those of another model, and the percentage of points: a tie is half a point. The last column counts only blind votes.
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
select
    model, count(*) as votes, sum(won) as better, sum(tied) as as_good, sum(lost) as worse,
    round(100.0 * (sum(won) + 0.5 * sum(tied)) / count(*), 1) as percent,
    round(100.0 * (sum(won) filter (where blind = 1) + 0.5 * sum(tied) filter (where blind = 1)) / nullif(sum(blind), 0), 1) as percent_blind
from sides
group by model
order by percent desc, votes desc, model

-- title: Votes and length
-- topic: Comparisons
-- means: Whether longer answers tend to be preferred: votes by how much longer one of the two answers was, in output tokens, and how often the longer one was preferred.
with pairs as (
    select
        max(a.output_tokens, b.output_tokens) * 1.0 / min(a.output_tokens, b.output_tokens) as ratio,
        v.better = '=' as tied,
        (v.better = 'a' and a.output_tokens > b.output_tokens) or (v.better = 'b' and b.output_tokens > a.output_tokens) as longer
    from memory_votes v
    join turns a on a.id = v.a_turn_id
    join turns b on b.id = v.b_turn_id
    where a.output_tokens > 0 and b.output_tokens > 0 and a.output_tokens <> b.output_tokens
),
steps (least, most, longer_by) as (
    values (1.0, 1.2, 'up to a fifth'), (1.2, 2.0, 'a fifth to twice'), (2.0, 1000000000.0, 'twice and more')
)
select
    z.longer_by, count(*) as votes, sum(p.longer) as longer_better, sum(p.tied) as as_good,
    sum(not p.longer and not p.tied) as shorter_better
from pairs p
join steps z on p.ratio >= z.least and p.ratio < z.most
group by z.least, z.longer_by
order by z.least

-- title: How far back recall reaches
-- topic: Recall
-- means: The excerpts that sessions recalled of their own history, by how many exchanges back they were.
with distances as (
    select
        case when c.number - r.number <= 10 then 1 when c.number - r.number <= 50 then 2
            when c.number - r.number <= 200 then 3 when c.number - r.number <= 1000 then 4 else 5 end as place,
        r.tokens, r.score
    from memory_recalls r
    join memory_contexts c on c.turn_id = r.turn_id
    where r.thread_id is null
),
steps (place, exchanges_back) as (
    values (1, 'up to 10'), (2, '11 to 50'), (3, '51 to 200'), (4, '201 to 1,000'), (5, 'more than 1,000')
)
select z.exchanges_back, count(*) as excerpts, sum(d.tokens) as tokens, round(avg(d.score), 2) as mean_score
from distances d
join steps z on z.place = d.place
group by z.place, z.exchanges_back
order by z.place

-- title: Rating with and without recall
-- topic: Ratings
-- means: The ratings of exchanges of sessions whose prompts recalled excerpts, and of those whose prompts did not. Up, 4 and 5 are good; down, 1 and 2 are bad; 3 is neither.
with rated as (
    select r.mark, r.rated_utc, r.thread_id, r.turn_id, r.mark in ('up', '4', '5') as good, r.mark in ('down', '1', '2') as bad
    from memory_ratings r
    where not exists (  -- a fork has copies of the ratings of what it shares
        select 1 from memory_ratings o
        where o.turn_id = r.turn_id
          and (o.rated_utc > r.rated_utc or (o.rated_utc = r.rated_utc and o.thread_id < r.thread_id))
    )
)
select
    case when r.turn_id in (select turn_id from memory_recalls) then 'with excerpts' else 'without excerpts' end as kind,
    count(*) as rated, sum(good) as good, sum(bad) as bad,
    round(100.0 * sum(good) / nullif(sum(good) + sum(bad), 0), 1) as percent_good
from rated r
join memory_contexts c on c.turn_id = r.turn_id
group by 1
order by 1

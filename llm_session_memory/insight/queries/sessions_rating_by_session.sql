-- title: Rating by session
-- topic: Ratings
-- means: The rated exchanges of each session or conversation, good and bad, and the percentage of good ones, the worst first. Up, 4 and 5 are good; down, 1 and 2 are bad; 3 is neither.
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
    s.name as session, count(*) as rated, sum(good) as good, sum(bad) as bad,
    round(100.0 * sum(good) / nullif(sum(good) + sum(bad), 0), 1) as percent_good,
    r.thread_id
from rated r
left join memory_sessions s on s.thread_id = r.thread_id
group by r.thread_id, s.name
order by percent_good, rated desc, r.thread_id

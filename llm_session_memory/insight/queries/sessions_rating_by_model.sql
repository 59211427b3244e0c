-- title: Rating by model
-- topic: Ratings
-- means: How people rated the exchanges that each model answered: thumbs up and down, average stars, and the percentage of good ratings. Up, 4 and 5 are good; down, 1 and 2 are bad; 3 is left out of the percentage. An exchange that forks share counts once, with its newest rating.
-- param days: how many days of exchanges to include; empty for all
with calls as (
    select id, model, datetime_utc from turns
    union all
    select r.id, r.model, r.datetime_utc from responses r where not exists (select 1 from turns t where t.id = r.id)
)
select
    c.model,
    count(*) as rated,
    sum(r.mark = 'up') as up,
    sum(r.mark = 'down') as down,
    count(*) filter (where r.mark between '1' and '5') as with_stars,
    round(avg(cast(r.mark as integer)) filter (where r.mark between '1' and '5'), 2) as mean_stars,
    round(100.0 * sum(r.mark in ('up', '4', '5')) / nullif(sum(r.mark <> '3'), 0), 1) as percent_good
from memory_ratings r
join calls c on c.id = r.turn_id
where (:days = '' or c.datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
  and not exists (  -- a fork has copies of the ratings of what it shares
      select 1 from memory_ratings o
      where o.turn_id = r.turn_id
        and (o.rated_utc > r.rated_utc or (o.rated_utc = r.rated_utc and o.thread_id < r.thread_id))
  )
group by c.model
order by rated desc, c.model

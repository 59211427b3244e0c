-- title: Rating by model
-- means: How people rated the exchanges that each model answered: thumbs up and down, average stars, and the percentage of good ratings. Up, 4 and 5 are good; down, 1 and 2 are bad; 3 is left out of the percentage.
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
group by c.model
order by rated desc

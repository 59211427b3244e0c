-- title: How far estimates were off
-- topic: Pruning
-- means: The plugin's estimate of a request's tokens beside the server's count, by model: requests, the average in percent (more or less), the average distance, and the worst in each direction.
-- param days: how many days to look back; empty for all
with counted as (
    select t.model, 100.0 * c.estimate / t.input_tokens - 100 as percent
    from memory_contexts c
    join turns t on t.id = c.turn_id
    where t.input_tokens > 0 and c.cut is null and (:days = '' or t.datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
)
select
    model, count(*) as requests, round(avg(percent), 1) as percent_off, round(avg(abs(percent)), 1) as percent_apart,
    round(min(percent), 1) as lowest, round(max(percent), 1) as highest
from counted
group by model
order by requests desc, model

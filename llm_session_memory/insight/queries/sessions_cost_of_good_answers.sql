-- title: Cost of a good reply
-- topic: Ratings
-- means: The dollars that rated calls cost, by model, per good one: what a model costs if you count only the replies you liked. Up, 4 and 5 are good; down, 1 and 2 are bad; 3 is neither.
with calls as (
    select id, model, datetime_utc, input_tokens, output_tokens from turns
    union all
    select r.id, r.model, r.datetime_utc, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
rated as (
    select r.mark, r.rated_utc, r.thread_id, r.turn_id, r.mark in ('up', '4', '5') as good, r.mark in ('down', '1', '2') as bad
    from memory_ratings r
    where not exists (  -- a fork has copies of the ratings of what it shares
        select 1 from memory_ratings o
        where o.turn_id = r.turn_id
          and (o.rated_utc > r.rated_utc or (o.rated_utc = r.rated_utc and o.thread_id < r.thread_id))
    )
)
select
    c.model, count(*) as rated, sum(good) as good,
    round(sum(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)), 4) as dollars,
    round(sum(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)) / nullif(sum(good), 0), 6) as dollars_a_good_one
from rated r
join calls c on c.id = r.turn_id
group by c.model
order by dollars_a_good_one, rated desc, c.model

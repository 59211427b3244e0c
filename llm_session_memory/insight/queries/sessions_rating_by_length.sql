-- title: Rating by length of the reply
-- topic: Ratings
-- means: Whether you prefer short replies: the ratings by the output tokens of the exchange's first call. Up, 4 and 5 are good; down, 1 and 2 are bad; 3 is neither.
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
),
sized as (
    select
        case when c.output_tokens < 50 then 1 when c.output_tokens < 200 then 2 when c.output_tokens < 500 then 3
            when c.output_tokens < 2000 then 4 else 5 end as place,
        r.good, r.bad
    from rated r
    join calls c on c.id = r.turn_id
    where c.output_tokens is not null
),
sizes (place, tokens_out) as (
    values (1, 'under 50'), (2, '50 to 199'), (3, '200 to 499'), (4, '500 to 1,999'), (5, '2,000 and more')
)
select
    z.tokens_out, count(*) as rated, sum(good) as good, sum(bad) as bad,
    round(100.0 * sum(good) / nullif(sum(good) + sum(bad), 0), 1) as percent_good
from sized r
join sizes z on z.place = r.place
group by z.place, z.tokens_out
order by z.place

-- title: Recall per day
-- topic: Recall
-- means: Prompts of named sessions by day, the number and percentage that recalled excerpts of older exchanges, and the excerpts and their tokens.
-- param days: how many days to look back; empty for all
with recalled as (
    select turn_id, count(*) as excerpts, sum(tokens) as tokens from memory_recalls group by turn_id
)
select
    substr(t.datetime_utc, 1, 10) as day,
    count(distinct c.exchange_turn_id) as prompts,
    count(distinct case when r.turn_id is not null then c.exchange_turn_id end) as with_excerpts,
    round(100.0 * count(distinct case when r.turn_id is not null then c.exchange_turn_id end)
        / count(distinct c.exchange_turn_id), 1) as percent,
    coalesce(sum(r.excerpts), 0) as excerpts,
    coalesce(sum(r.tokens), 0) as tokens
from memory_contexts c
join turns t on t.id = c.turn_id
left join recalled r on r.turn_id = c.turn_id
where (:days = '' or t.datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by day
order by day desc

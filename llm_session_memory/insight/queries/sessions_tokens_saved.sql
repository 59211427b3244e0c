-- title: Tokens saved by pruning
-- topic: Pruning
-- means: By day, for the last request of each exchange in named sessions: the tokens sent (counted by the server), roughly what the whole history would have taken (see “Requests with and without pruning”), the difference, and the tokens spent on summaries that day.
-- param since: only from this day on; empty for all
-- param until: only up to this day; empty for all
-- param model: only this model; empty for all
with exchanges as (
    select c.thread_id, c.exchange_turn_id, c.turn_id, c.block_id
    from (select max(turn_id) as turn_id from memory_contexts group by thread_id, exchange_turn_id) l
    join memory_contexts c on c.turn_id = l.turn_id
),
counted as (
    select
        e.*, t.model, t.datetime_utc, t.input_tokens, t.output_tokens,
        t.input_tokens - coalesce(
            (select sum(r.tokens) from memory_recalls r where r.turn_id = e.exchange_turn_id), 0
        ) as said
    from exchanges e
    join turns t on t.id = e.turn_id
    where t.input_tokens is not null
),
sent as (
    select
        e.thread_id, e.turn_id, e.block_id, e.model, e.datetime_utc, e.input_tokens, e.said,
        lag(e.block_id) over in_order as block_before,
        lag(e.said) over in_order as said_before,
        lag(e.output_tokens) over in_order as reply_before,
        (select length(s.prompt) from turn_search s where s.turn_id = e.exchange_turn_id) as typed
    from counted e
    window in_order as (partition by e.thread_id order by e.turn_id)
),
whole as (
    select *, max(input_tokens, sum(
        case
            when said_before is null then said
            when block_before = block_id then max(said - said_before, 0)
            else coalesce(reply_before, 0) + coalesce(typed, 0) / 4.0
        end
    ) over (partition by thread_id order by turn_id)) as whole_tokens
    from sent
),
spent as (
    select substr(made_utc, 1, 10) as made_on, sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as tokens
    from memory_summaries
    where :model = '' or model = :model
    group by made_on
)
select
    substr(w.datetime_utc, 1, 10) as day,
    count(*) as requests,
    sum(w.input_tokens) as tokens_sent,
    cast(round(sum(w.whole_tokens)) as integer) as tokens_whole_about,
    cast(round(sum(w.whole_tokens - w.input_tokens)) as integer) as tokens_saved_about,
    round(100 * sum(w.whole_tokens - w.input_tokens) / nullif(sum(w.whole_tokens), 0), 1) as percent_saved,
    max(s.tokens) as tokens_for_summaries
from whole w
left join spent s on s.made_on = substr(w.datetime_utc, 1, 10)
where (:since = '' or w.datetime_utc >= :since) and (:until = '' or w.datetime_utc < date(:until, '+1 day'))
  and (:model = '' or w.model = :model)
group by day
order by day desc

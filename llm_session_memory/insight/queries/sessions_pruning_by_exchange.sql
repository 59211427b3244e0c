-- title: Requests with and without pruning
-- topic: Pruning
-- means: Average tokens per request in named sessions, by exchange number: as sent (counted by the server), and roughly what the whole history would have taken. Between two cuts, the estimate grows by what the server counted, without the excerpts; at a cut, it grows by the tokens of the previous reply, plus the new prompt at four characters per token. It is never below what was sent.
-- param since: only from this day on; empty for all
-- param until: only up to this day; empty for all
-- param model: only this model; empty for all
-- param most: the most rows to show (exchanges are grouped to fit); empty for 60
with exchanges as (
    select c.thread_id, c.exchange_turn_id, c.turn_id, c.number, c.block_id
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
        e.thread_id, e.turn_id, e.number, e.block_id, e.model, e.datetime_utc, e.input_tokens, e.said,
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
wanted as (
    select * from whole
    where (:since = '' or datetime_utc >= :since) and (:until = '' or datetime_utc < date(:until, '+1 day'))
      and (:model = '' or model = :model)
),
step as (
    select (max(number) - 1) / coalesce(nullif(cast(:most as integer), 0), 60) + 1 as size from wanted
)
select
    (number - 1) / size * size + 1 as exchange,
    count(*) as requests,
    round(avg(input_tokens)) as tokens_sent,
    round(avg(whole_tokens)) as tokens_whole_about
from wanted, step
group by (number - 1) / size, size
order by exchange

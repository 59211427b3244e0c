-- For each exchange of a session, by its last turn: the tokens sent, and roughly those of the whole history.
-- The definition is that of the query “Tokens saved by pruning”; a test checks that both agree.
with exchanges as (
    select exchange_turn_id, turn_id, block_id, max(rowid) as row
    from memory_contexts
    where thread_id = :thread_id
    group by exchange_turn_id
),
counted as (
    select
        e.*, t.input_tokens, t.output_tokens,
        t.input_tokens - coalesce(
            (select sum(r.tokens) from memory_recalls r where r.turn_id = e.exchange_turn_id), 0
        ) as said
    from exchanges e
    join turns t on t.id = e.turn_id
    where t.input_tokens is not null
),
sent as (
    select
        e.turn_id, e.block_id, e.row, e.input_tokens, e.said,
        lag(e.block_id) over in_order as block_before,
        lag(e.said) over in_order as said_before,
        lag(e.output_tokens) over in_order as reply_before,
        (select length(s.prompt) from turn_search s where s.turn_id = e.exchange_turn_id) as typed
    from counted e
    window in_order as (order by e.row)
)
select
    turn_id,
    input_tokens as tokens_sent,
    max(input_tokens, sum(
        case
            when said_before is null then said
            when block_before = block_id then max(said - said_before, 0)
            else coalesce(reply_before, 0) + coalesce(typed, 0) / 4.0
        end
    ) over (order by row)) as tokens_whole_about
from sent
order by row

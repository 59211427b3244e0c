-- title: Growth of input tokens
-- topic: Models
-- means: Average input tokens of a call by its position in the conversation (first call, second call, …), overall, for named sessions and for unnamed conversations. The line flattens once history is pruned.
-- param most: how many positions to show; empty for 50
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
placed as (
    select
        row_number() over (partition by thread_id order by id) as place,
        input_tokens,
        thread_id in (select thread_id from memory_sessions) as named
    from calls
    where input_tokens is not null
)
select
    place,
    count(*) as conversations,
    round(avg(input_tokens)) as tokens_in,
    round(avg(input_tokens) filter (where named)) as tokens_in_named,
    round(avg(input_tokens) filter (where not named)) as tokens_in_unnamed
from placed
where place <= coalesce(nullif(cast(:most as integer), 0), 50)
group by place
order by place

-- The conversations that an older llm logged, with the rows of their responses and the facts for a line of the list.
-- One pass reads all of them, because responses has no index on conversation_id. A response that is also a turn is the
-- same event.
with said as materialized (
    select
        rowid, id, model, conversation_id, input_tokens, output_tokens, datetime_utc,
        session_cost(model, input_tokens, output_tokens, datetime_utc) as cost
    from responses
)
select g.*, (select l.model from responses l where l.rowid = g.last_row) as last_model
from (
    select
        r.conversation_id,
        min(r.rowid) as first_row,
        max(r.rowid) as last_row,
        max(r.id) as last_id,
        count(*) as calls,
        count(*) filter (where r.id not in (select response_id from tool_results where response_id is not null)) as exchanges,
        sum(r.input_tokens) as input_tokens,
        sum(r.output_tokens) as output_tokens,
        sum(r.cost) as cost,
        count(r.input_tokens) as counted,
        count(r.cost) as priced,
        sum(case when r.cost is null then session_is_local(r.model) else 0 end) as local,
        min(r.datetime_utc) as first_utc,
        max(r.datetime_utc) as last_utc,
        json_group_array(distinct r.model) as models
    from said r
    where r.conversation_id is not null
      and not exists (select 1 from turns t where t.id = r.id)
    group by r.conversation_id
) g

-- title: Forks and their originals
-- topic: Forks and projects
-- means: What happened after each fork, in the fork and in the session that it was forked from: calls, tokens out, and the models.
with by_model as (
    select f.thread_id, 0 as there, t.model, count(t.id) as calls, sum(t.output_tokens) as tokens
    from memory_forks f
    left join turns t on t.thread_id = f.thread_id
    group by f.thread_id, t.model
    union all
    select f.thread_id, 1, t.model, count(t.id), sum(t.output_tokens)
    from memory_forks f
    left join turns t on t.thread_id = f.from_thread_id and t.id > f.at_turn_id
    group by f.thread_id, t.model
),
both_sides as (
    select thread_id, there, sum(calls) as calls, sum(tokens) as tokens, group_concat(model) as models
    from (select * from by_model order by thread_id, there, model) m
    group by thread_id, there
)
select
    s.name as session, w.calls, w.tokens as tokens_out, w.models, o.name as forked_from, i.calls as calls_there,
    i.tokens as tokens_out_there, i.models as models_there, f.forked_utc, f.thread_id
from memory_forks f
join both_sides w on w.thread_id = f.thread_id and w.there = 0
join both_sides i on i.thread_id = f.thread_id and i.there = 1
left join memory_sessions s on s.thread_id = f.thread_id
left join memory_sessions o on o.thread_id = f.from_thread_id
order by f.forked_utc desc, f.thread_id

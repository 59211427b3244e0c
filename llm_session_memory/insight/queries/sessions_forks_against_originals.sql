-- title: Forks and their originals
-- topic: Forks and projects
-- means: What happened after each fork, in the fork and in the session that it was forked from: calls, tokens out, and the models.
with own as (
    select f.thread_id, count(t.id) as calls, sum(t.output_tokens) as tokens, group_concat(distinct t.model) as models
    from memory_forks f
    left join turns t on t.thread_id = f.thread_id
    group by f.thread_id
),
original as (
    select f.thread_id, count(t.id) as calls, sum(t.output_tokens) as tokens, group_concat(distinct t.model) as models
    from memory_forks f
    left join turns t on t.thread_id = f.from_thread_id and t.id > f.at_turn_id
    group by f.thread_id
)
select
    s.name as session, w.calls, w.tokens as tokens_out, w.models, o.name as forked_from, i.calls as calls_there,
    i.tokens as tokens_out_there, i.models as models_there, f.forked_utc, f.thread_id
from memory_forks f
join own w on w.thread_id = f.thread_id
join original i on i.thread_id = f.thread_id
left join memory_sessions s on s.thread_id = f.thread_id
left join memory_sessions o on o.thread_id = f.from_thread_id
order by f.forked_utc desc, f.thread_id

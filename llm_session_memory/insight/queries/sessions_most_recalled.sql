-- title: Most recalled exchanges
-- topic: Recall
-- means: The exchanges that were recalled most often, with their sessions: those worth a pin or a note.
with recalled as (
    select
        coalesce(r.thread_id, c.thread_id) as source_id, r.number, count(distinct r.turn_id) as prompts,
        sum(r.tokens) as tokens, max(t.datetime_utc) as last_time, max(r.turn_id) as newest
    from memory_recalls r
    join memory_contexts c on c.turn_id = r.turn_id
    join turns t on t.id = r.turn_id
    group by coalesce(r.thread_id, c.thread_id), r.number
)
select s.name as session, r.number as exchange, r.prompts, r.tokens, r.last_time, r.newest as recalled_by
from recalled r
join memory_sessions s on s.thread_id = r.source_id
order by r.prompts desc, r.last_time desc, r.source_id, r.number
limit 200

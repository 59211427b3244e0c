-- Threads by all their tokens, or by their exchanges (the turns that do not answer a tool's results), most first, from
-- below a given value and id. Reads every turn once; only turns that were given tools are looked at for what they answer.
with
continuing as materialized (
    select distinct t.id
    from turn_tools o
    join turns t on t.id = o.turn_id
    join messages m on m.hash = t.parent_message_hash and m.role = 'tool'
),
ranked as (
    select
        t.thread_id,
        case :by
            when 'tokens' then sum(coalesce(t.input_tokens, 0) + coalesce(t.output_tokens, 0))
            else count(*) filter (where t.id not in (select id from continuing))
        end as value,
        max(t.rowid) as last_row, t.model, t.datetime_utc -- those of the last row, says SQLite of columns beside max()
    from turns t
    group by t.thread_id
)
select r.value, r.thread_id
from ranked r
where (:model is null or r.model = :model)
  and (:since is null or r.datetime_utc >= :since)
  and (:until is null or r.datetime_utc < :until)
  and (:among is null or r.thread_id in (select value from json_each(:among)))
  and r.thread_id not in (select value from json_each(:without))
  and (not :named or exists (select 1 from memory_sessions s where s.thread_id = r.thread_id))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = r.thread_id))
  and (:like is null
       or exists (select 1 from threads h where h.id = r.thread_id and h.name like :like escape '\')
       or exists (select 1 from memory_sessions s where s.thread_id = r.thread_id and s.name like :like escape '\'))

-- Threads ranked by their tokens or by their exchanges (the turns that do not answer a tool's results, without what was
-- undone), with the values.
-- Ranking by tokens reads every turn once; ranking by exchanges reads only the index on the thread. Only turns with tools
-- are checked for what they answer, and only the last turn of a thread is read for its model and time.
with
continuing as materialized (
    select t.id, t.thread_id
    from (select distinct turn_id from turn_tools) o
    cross join turns t on t.id = o.turn_id
    cross join messages m on m.hash = t.parent_message_hash and m.role = 'tool'
),
less as materialized (
    select thread_id, count(*) as turns from continuing group by thread_id
),
by_tokens as (
    select thread_id, sum(coalesce(input_tokens, 0) + coalesce(output_tokens, 0)) as value, max(rowid) as last_row
    from turns
    where :by = 'tokens'
    group by thread_id
),
counted as (
    select thread_id, count(*) as turns, max(rowid) as last_row from turns where :by <> 'tokens' group by thread_id
),
out as materialized (
    select thread_id, count(*) as exchanges from memory_undone group by thread_id
),
by_exchanges as (
    select c.thread_id, c.turns - coalesce(l.turns, 0) - coalesce(o.exchanges, 0) as value, c.last_row
    from counted c
    left join less l on l.thread_id = c.thread_id
    left join out o on o.thread_id = c.thread_id
),
ranked as (
    select * from by_tokens
    union all
    select * from by_exchanges
)
select r.thread_id, r.value
from ranked r
where (coalesce(:model, :since, :until) is null
       or exists (
           select 1 from turns t
           where t.rowid = r.last_row
             and (:model is null or t.model = :model)
             and (:since is null or t.datetime_utc >= :since)
             and (:until is null or t.datetime_utc < :until)))
  and (:only is null or r.thread_id in (select value from json_each(:only)))
  and r.thread_id not in (select value from json_each(:without))
  and (not :named or exists (select 1 from memory_sessions s where s.thread_id = r.thread_id))
  and (:tag is null or exists (select 1 from memory_tags g where g.tag_key = :tag and g.thread_id = r.thread_id))
  and (:like is null
       or exists (select 1 from threads h where h.id = r.thread_id and h.name like :like escape '\')
       or exists (select 1 from memory_titles y where y.thread_id = r.thread_id and y.title like :like escape '\')
       or exists (select 1 from memory_sessions s where s.thread_id = r.thread_id and s.name like :like escape '\'))

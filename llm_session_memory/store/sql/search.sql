-- The best passage of each turn that matches :match (FTS5), best first or newest first. Prompts get slightly more
-- weight, tool results, fragments and attachments slightly less. Only sessions are searched, and the conversations
-- :shared (a JSON array), which forks have exchanges of. If they are not null, :threads (a JSON array) limits it to some
-- of those, :model, :since and :until (ISO, UTC) to turns, :turns (a JSON array) to these turns, or to all others if
-- :among is 0. For calls that only an older llm logged, datetime_utc is null and the caller applies the filters.
with found as materialized (
    select * from (
        select rowid as id, rank as score
        from memory_words
        where not :latest and memory_words match :match and rank match 'bm25(0.0, 1.0, 0.5)'
        order by rank
        limit :candidates
    )
    union all
    select * from (
        select rowid as id, rank as score
        from memory_words
        where :latest and memory_words match :match and rank match 'bm25(0.0, 1.0, 0.5)'
        order by rowid desc
        limit :candidates
    )
)
select
    p.id, p.turn_id, p.side, p."start", p."end", i.thread_id, s.name, t.model,
    case when t.id is not null then coalesce(t.datetime_utc, '') end as datetime_utc,
    min(f.score * case p.side when 0 then 1.2 when 2 then 1.0 else 0.8 end) as score,
    (select count(*) from found) as candidates
from found f
join memory_passages p on p.id = f.id
join memory_index i on i.number = p.thread
left join memory_sessions s on s.thread_id = i.thread_id
left join turns t on t.id = p.turn_id
where (s.thread_id is not null or i.thread_id in (select value from json_each(:shared)))
  and (:threads is null or i.thread_id in (select value from json_each(:threads)))
  and (:turns is null or (p.turn_id in (select value from json_each(:turns))) = :among)
  and (t.id is null or (
          (:model is null or t.model in (:model, 'ollama/' || :model, :called))
      and (:since is null or datetime(t.datetime_utc) >= datetime(:since))
      and (:until is null or datetime(t.datetime_utc) < datetime(:until))
  ))
group by p.turn_id
order by case when :latest then p.turn_id end desc, score, p.turn_id desc
limit :count

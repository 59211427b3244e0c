-- Turns that contain all of several terms (:terms, a JSON array of FTS5 expressions), not necessarily in one passage,
-- best first or newest first. Only the passages of turns that contain :rarest are examined. Filters as in search.
with siblings as materialized (
    select p.id, p.turn_id, p.thread
    from (
        select distinct p.turn_id
        from memory_words
        cross join memory_passages p on p.id = memory_words.rowid
        where memory_words match :rarest
    ) r
    cross join memory_passages p on p.turn_id = r.turn_id
),
found as materialized (
    select term.key as term, s.turn_id, s.thread, bm25(memory_words, 0.0, 1.0, 0.5) as score
    from json_each(:terms) term
    cross join memory_words on memory_words match term.value
    cross join siblings s on s.id = memory_words.rowid
),
best as (
    select turn_id, thread, term, min(score) as score
    from found
    group by turn_id, thread, term
)
select
    b.turn_id, i.thread_id, s.name, t.model,
    case when t.id is not null then coalesce(t.datetime_utc, '') end as datetime_utc,
    sum(b.score) as score
from best b
join memory_index i on i.number = b.thread
left join memory_sessions s on s.thread_id = i.thread_id
left join turns t on t.id = b.turn_id
where (s.thread_id is not null or i.thread_id in (select value from json_each(:shared)))
  and (:threads is null or i.thread_id in (select value from json_each(:threads)))
  and (:turns is null or (b.turn_id in (select value from json_each(:turns))) = :among)
  and (t.id is null or (
          (:model is null or t.model in (:model, 'ollama/' || :model, :called))
      and (:since is null or datetime(t.datetime_utc) >= datetime(:since))
      and (:until is null or datetime(t.datetime_utc) < datetime(:until))
  ))
group by b.turn_id
having count(*) = json_array_length(:terms)
order by case when :latest then b.turn_id end desc, score, b.turn_id desc
limit :count

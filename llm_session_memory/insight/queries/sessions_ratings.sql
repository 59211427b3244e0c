-- title: Ratings
-- topic: Ratings
-- means: The rated exchanges, newest rating first, with the reason given, the prompt and the model. An exchange that forks share is listed once.
-- param mark: only this rating: up, down, or 1 to 5; empty for all
-- param model: only this model; empty for all
select
    r.mark,
    r.note,
    s.name as session,
    c.model,
    substr(c.prompt, 1, 300) as prompt,
    r.rated_utc,
    r.turn_id,
    r.thread_id
from memory_ratings r
join (
    select t.id, t.model, q.prompt from turns t left join turn_search q on q.turn_id = t.id
    union all
    select o.id, o.model, o.prompt from responses o where not exists (select 1 from turns t where t.id = o.id)
) c on c.id = r.turn_id
left join memory_sessions s on s.thread_id = r.thread_id
where (:mark = '' or r.mark = :mark) and (:model = '' or c.model = :model)
  and not exists (  -- a fork has copies of the ratings of what it shares
      select 1 from memory_ratings o
      where o.turn_id = r.turn_id
        and (o.rated_utc > r.rated_utc or (o.rated_utc = r.rated_utc and o.thread_id < r.thread_id))
  )
order by r.rated_utc desc, r.turn_id, r.thread_id

-- The items of a job after a position, in their order: those in a state, or those of a step (its own, and one for each
-- value of its list, `step[3]`); null is any. Each has its session's name, and whether its answer is in the log.
select
    i.*,
    s.name as session,
    t.id is not null as answered,
    case when i.cost_usd is null then session_is_local(i.model) else 0 end as local
from memory_job_items i
left join turns t on t.id = i.turn_id
left join memory_sessions s on s.thread_id = i.thread_id
where i.job_id = :id
  and i.position > :after
  and (:state is null or i.state = :state)
  and (:step is null or i.id = :step or substr(i.id, 1, length(:step) + 1) = :step || '[')
order by i.position
limit :count

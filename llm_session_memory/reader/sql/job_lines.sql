-- Jobs, the newest first: one (:id), or those of a kind and in a state (null: of any) after another in the list. Each has
-- its session's name and the number of its items by state, as a JSON object.
select
    j.id, j.name, j.kind, j.state, j.reason, j.thread_id, j.settings_json, j.definition, j.inputs_json, j.max_cost_usd,
    j.spent_usd, j.created_utc, j.ended_utc,
    (select s.name from memory_sessions s where s.thread_id = j.thread_id) as session,
    (select json_group_object(c.state, c.items) from (
        select i.state, count(*) as items from memory_job_items i where i.job_id = j.id group by i.state
    ) c) as counts
from memory_jobs j
where (:id is null or j.id = :id)
  and (:kind is null or j.kind = :kind)
  and (:state is null or j.state = :state)
  and (:after is null or j.id < :after)
order by j.id desc
limit :count

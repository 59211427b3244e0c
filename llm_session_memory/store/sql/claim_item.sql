-- The item of a job to work on next: the first one that waits, may be asked now, and needs nothing that has not ended.
select *
from memory_job_items as i
where job_id = :job_id
  and state = 'waiting'
  and (not_before_utc is null or not_before_utc <= :now)
  and (needs_json is null or not exists (
      select 1
      from json_each(i.needs_json) as n
      join memory_job_items as needed on needed.job_id = i.job_id and needed.position = n.value
      where needed.state in ('waiting', 'running')))
order by position
limit 1

-- What a job has cost and may cost, and how many of its items are being asked. Its row stays locked for the claim.
select
    max_cost_usd, coalesce(spent_usd, 0) as spent, answers,
    (select count(*) from SCHEMA.remote_items where job_id = %(job_id)s and state = 'running') as running
from SCHEMA.remote_jobs
where id = %(job_id)s and max_cost_usd is not null
for update

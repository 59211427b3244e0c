update SCHEMA.remote_jobs
set spent_usd = coalesce(spent_usd, 0) + %(cost_usd)s, answers = answers + 1
where id = %(job_id)s

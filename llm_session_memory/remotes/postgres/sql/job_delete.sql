delete from SCHEMA.remote_jobs where id = %(job_id)s

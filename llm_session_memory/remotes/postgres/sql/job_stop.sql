update SCHEMA.remote_jobs set state = 'stopped', reason = %(reason)s, ended = now() where id = %(job_id)s and state = 'open'

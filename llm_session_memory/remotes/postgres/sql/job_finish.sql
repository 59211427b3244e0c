-- End a job none of whose items is left to ask.
update SCHEMA.remote_jobs
set state = 'done', reason = null, ended = now()
where id = %(job_id)s and state = 'open'
    and not exists (select from SCHEMA.remote_items where job_id = %(job_id)s and state in ('waiting', 'running'))

-- Cancel a job: the items that wait are not asked. Those that are being asked are answered and kept.
with job as (
    update SCHEMA.remote_jobs set state = 'cancelled', reason = null, ended = now()
    where id = %(job_id)s and state in ('open', 'stopped')
    returning id
)
update SCHEMA.remote_items set state = 'cancelled' where job_id in (select id from job) and state = 'waiting'

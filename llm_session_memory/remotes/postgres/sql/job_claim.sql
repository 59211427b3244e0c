-- Take an item for a worker, if it waits, and if this workflow of it counts.
update SCHEMA.remote_items
set state = 'running', tries = tries + 1, owner = %(owner)s, started = now(), not_before = null
where job_id = %(job_id)s and position = %(position)s and ticket = %(ticket)s and state = 'waiting'
    and exists (select from SCHEMA.remote_jobs where id = %(job_id)s and state = 'open')
returning *

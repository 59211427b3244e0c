-- Let an item wait again, with a new ticket. One that another worker has taken or ended meanwhile stays as it is.
update SCHEMA.remote_items i
set
    state = case when j.state = 'cancelled' then 'cancelled' else 'waiting' end,
    ticket = ticket + 1, owner = null, tries = %(tries)s, error = coalesce(%(error)s, error),
    not_before = now() + make_interval(secs => %(seconds)s)
from SCHEMA.remote_jobs j
where j.id = i.job_id and i.job_id = %(job_id)s and i.position = %(position)s
    and i.state = 'running' and i.owner = %(owner)s
returning i.state

update SCHEMA.remote_items
set state = 'waiting', ticket = ticket + 1, owner = null, tries = greatest(0, tries - 1)
where owner = %(owner)s and state = 'running'
returning job_id, position

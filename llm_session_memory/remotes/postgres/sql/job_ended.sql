-- End an item without an answer. One that another worker has taken or ended meanwhile stays as it is.
update SCHEMA.remote_items
set state = %(state)s, owner = null, error = %(error)s, tries = %(tries)s, ended = now()
where job_id = %(job_id)s and position = %(position)s and state = 'running' and owner = %(owner)s

-- Give an item that was not taken a new ticket, because the workflow with the present one ends.
update SCHEMA.remote_items
set ticket = ticket + 1, not_before = now() + make_interval(secs => %(seconds)s)
where job_id = %(job_id)s and position = %(position)s and ticket = %(ticket)s and state = 'waiting'
returning position

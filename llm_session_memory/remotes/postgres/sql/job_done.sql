-- An item is done once: whoever comes second changes nothing, and keeps nothing.
update SCHEMA.remote_items
set
    state = 'done', owner = null, error = null, not_before = null, ended = now(), model = %(model)s,
    thread_id = %(thread_id)s, turn_id = %(turn_id)s, input_tokens = %(input_tokens)s,
    output_tokens = %(output_tokens)s, duration_ms = %(duration_ms)s, cost_usd = %(cost_usd)s
where job_id = %(job_id)s and position = %(position)s and state <> 'done'
returning position

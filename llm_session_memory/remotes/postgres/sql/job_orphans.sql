-- Let the items of a dead worker wait again. One that too many workers died of has failed.
update SCHEMA.remote_items
set
    owner = null, deaths = deaths + 1,
    state = case when deaths + 1 >= %(most)s then 'failed' else 'waiting' end,
    error = case when deaths + 1 >= %(most)s then %(error)s else error end,
    ended = case when deaths + 1 >= %(most)s then now() end
where owner = %(owner)s and state = 'running'
returning job_id, position, state

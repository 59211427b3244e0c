-- Open a job again, and let what was cancelled wait again; with `failed`, what failed too.
with job as (
    update SCHEMA.remote_jobs
    set
        state = 'open', reason = null, ended = null,
        max_cost_usd = case when %(set_cost)s then %(max_cost)s else max_cost_usd end
    where id = %(job_id)s
    returning id
)
update SCHEMA.remote_items
set
    state = 'waiting', ticket = ticket + 1, not_before = null, ended = null,
    tries = case when state = 'failed' then 0 else tries end,
    deaths = case when state = 'failed' then 0 else deaths end
where job_id in (select id from job)
    and (state in ('waiting', 'cancelled') or %(failed)s and state in ('failed', 'skipped'))

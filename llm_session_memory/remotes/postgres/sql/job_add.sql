insert into SCHEMA.remote_jobs (id, name, kind, thread_id, settings, max_cost_usd, machine, person, created_utc)
values (
    %(id)s, %(name)s, %(kind)s, %(thread_id)s, %(settings)s::json, %(max_cost)s, %(machine)s, %(person)s,
    %(created_utc)s
)

-- A worker that has said nothing for long. Whoever recovers its items holds this row meanwhile.
select id from SCHEMA.remote_workers
where seen < now() - make_interval(secs => %(seconds)s) and id <> %(owner)s
order by id
limit 1
for update skip locked

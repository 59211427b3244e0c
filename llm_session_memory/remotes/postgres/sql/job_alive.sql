insert into SCHEMA.remote_workers (id, machine) values (%(owner)s, %(machine)s)
on conflict (id) do update set seen = now()

update SCHEMA.remote_workers set seen = '-infinity' where id = %(owner)s

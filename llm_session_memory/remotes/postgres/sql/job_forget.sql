delete from SCHEMA.remote_workers where id = %(owner)s

select to_regclass('SCHEMA.remote_workers') is not null as there

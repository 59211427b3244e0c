insert into SCHEMA.remote_queues (name, model, is_async, tools)
values (%(name)s, %(model)s, %(is_async)s, %(tools)s::json)
on conflict (name) do nothing

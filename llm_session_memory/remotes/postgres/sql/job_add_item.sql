insert into SCHEMA.remote_items (job_id, position, id, key, model, input, queue)
values (%(job_id)s, %(position)s, %(id)s, %(key)s, %(model)s, %(input)s::json, %(queue)s)
on conflict (job_id, key) do nothing

select j.*, (select count(*) from SCHEMA.remote_items where job_id = j.id) as items
from SCHEMA.remote_jobs j
where j.id = %(job_id)s

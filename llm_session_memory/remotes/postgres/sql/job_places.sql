select thread_id, max(place) as place
from SCHEMA.remote_documents
where thread_id = any(%(threads)s) and kind = 'turn'
group by thread_id

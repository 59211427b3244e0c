select thread_id, kind, key, bucket, stamp from lines
where wins and kind <> 'digest' and thread_id in (select value from json_each(?))
and kind in ('thread', 'turn', 'response');

-- Digests as they were set. :all is 1 for all of them; else :buckets is a JSON array.
select bucket, thread_id, place, stamp from lines
where wins and kind = 'digest' and (:all or bucket in (select value from json_each(:buckets)));

-- title: Fragments that no call uses
-- topic: Housekeeping
-- whole: a fragment without a call is of no project
-- means: The fragments in the log that no logged call was sent with, the longest first.
select
    coalesce(f.source, substr(f.hash, 1, 12)) as fragment, length(f.content) as characters, f.datetime_utc, f.id as fragment_id
from fragments f
where f.id not in (select fragment_id from turn_fragments)
  and f.id not in (select fragment_id from prompt_fragments)
  and f.id not in (select fragment_id from system_fragments)
order by characters desc, f.hash
limit 200

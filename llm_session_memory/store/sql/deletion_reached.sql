-- All messages that some chains pass through, given their ends (a JSON array).
with recursive up (hash) as (
    select value from json_each(:ends)
    union
    select m.parent_hash
    from up
    join messages m on m.hash = up.hash
    where m.parent_hash is not null
)
select m.hash, m.parent_hash, m.role, m.provider_metadata
from up
join messages m on m.hash = up.hash

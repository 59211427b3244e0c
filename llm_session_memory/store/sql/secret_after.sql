-- Some messages (a JSON array) and all that come after them, each with the one before it.
with recursive after (hash) as (
    select value from json_each(:hashes)
    union
    select m.hash
    from after a
    join messages m on m.parent_hash = a.hash
)
select m.hash, m.parent_hash
from after a
join messages m on m.hash = a.hash

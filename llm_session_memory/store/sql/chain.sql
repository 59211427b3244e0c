-- The whole chain that ends at a message, oldest first.
with recursive chain (hash, depth) as (
    select :tip, 0
    union all
    select m.parent_hash, c.depth + 1
    from chain c
    join messages m on m.hash = c.hash
    where m.parent_hash is not null
)
select m.hash, m.role, m.provider_metadata
from chain c
join messages m on m.hash = c.hash
order by c.depth desc

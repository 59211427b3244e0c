-- The chain that ends at a message, oldest first, with the characters of each message; text stored in fragments counts
-- too. It begins at the root, or at a message that is already known.
with recursive chain (hash, parent, role, depth) as (
    select m.hash, m.parent_hash, m.role, 0 from messages m where m.hash = :tip
    union all
    select m.hash, m.parent_hash, m.role, c.depth + 1
    from chain c
    join messages m on m.hash = c.parent
    where c.hash is not :known
)
select
    c.hash,
    c.role,
    coalesce((
        select sum(coalesce(
            length(p.text),
            (
                select sum(length(coalesce(f.content, json_extract(r.value, '$.literal'), '')))
                from json_each(case when json_valid(p.payload) then p.payload end, '$.text_ref') r
                left join fragments f on f.id = json_extract(r.value, '$.fragment')
                where r.type = 'object'
            ),
            length(p.payload),
            0
        ))
        from parts p
        where p.message_hash = c.hash
    ), 0) as characters
from chain c
order by c.depth desc

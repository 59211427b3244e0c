-- Below some messages (a JSON array), the first messages at which a turn's request or reply ends, with the roles that
-- are passed on the way there: `only_asked` is 1 if all of them, and the first one, are of users or tools.
with recursive down (first, hash, only_asked, done) as (
    select m.hash, m.hash, m.role in ('user', 'tool'), exists (select 1 from temp.secret_ends e where e.hash = m.hash)
    from json_each(:hashes) h
    join messages m on m.hash = h.value
    union
    select
        d.first,
        m.hash,
        d.only_asked and m.role in ('user', 'tool'),
        exists (select 1 from temp.secret_ends e where e.hash = m.hash)
    from down d
    join messages m on m.parent_hash = d.hash
    where not d.done
)
select d.first, e.turn_id, e.is_tip, d.only_asked, f.role
from down d
join temp.secret_ends e on e.hash = d.hash
join messages f on f.hash = d.first
where d.done
order by d.first, e.turn_id

-- The fragments that turns (a JSON array of ids) were given in their system prompt, by name.
select u.turn_id, u.kind, f.id, coalesce(f.source, f.hash) as name
from turn_fragments u
join fragments f on f.id = u.fragment_id
where u.turn_id in (select value from json_each(:ids))
order by u.turn_id, u."order"

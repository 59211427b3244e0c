-- The texts of the excerpts sent with turns (a JSON array of ids), in the order of the request: one fragment with all of
-- them, or in older logs one fragment each.
select u.turn_id, f.source, f.content
from turn_fragments u
join fragments f on f.id = u.fragment_id
where u.turn_id in (select value from json_each(:ids))
    and (f.source like 'session://%/excerpts' or f.source like 'session://%/#%')
order by u.turn_id, u."order"

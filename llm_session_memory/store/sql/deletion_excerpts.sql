-- The excerpts of calls that go (:gone, a JSON array) which other calls (:left) were sent, with their fragments: one for
-- all excerpts of a prompt, or in older logs one each.
select distinct r.turn_id, r.rank, p.turn_id as from_turn_id, f.id as fragment_id, f.source
from memory_recalls r
join memory_passages p on p.id = r.passage_id
join turn_fragments t on t.turn_id = r.turn_id
join fragments f on f.id = t.fragment_id
where r.turn_id in (select value from json_each(:left))
  and p.turn_id in (select value from json_each(:gone))
  and (f.source like 'session://%/excerpts' or f.source like 'session://%/#' || r.number)

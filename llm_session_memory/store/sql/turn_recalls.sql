-- The excerpts that were sent with turns (by id, a JSON array), best first, with their origin.
select r.turn_id, r.side, r.number, r.score, r.tokens, r.words_json, p.turn_id as from_turn_id, p.part, r.thread_id
from json_each(:ids) wanted
join memory_recalls r on r.turn_id = wanted.value
left join memory_passages p on p.id = r.passage_id
order by r.turn_id, r.rank

-- The excerpts sent with turns (a JSON array of ids), best first, and the turn that each one comes from; for one of another
-- session, its thread and that session's name.
select r.turn_id, r.number, r.tokens, r.words_json, p.turn_id as from_turn_id, r.thread_id, s.name as session
from memory_recalls r
left join memory_passages p on p.id = r.passage_id
left join memory_sessions s on s.thread_id = r.thread_id
where r.turn_id in (select value from json_each(:ids))
order by r.turn_id, r.rank

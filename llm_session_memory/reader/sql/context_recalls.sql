-- The excerpts recalled for a turn, and those recalled for earlier turns of its block, which were sent again.
select r.turn_id, r.rank, r.passage_id, r.number, r.score, r.tokens, r.words_json, p.turn_id as from_turn_id
from memory_contexts c
join memory_recalls r on r.turn_id = c.turn_id
left join memory_passages p on p.id = r.passage_id
where c.block_id = :block_id and c.rowid <= (select o.rowid from memory_contexts o where o.turn_id = :turn_id)
order by c.rowid, r.number, r.passage_id

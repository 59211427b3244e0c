-- The excerpts recalled for a turn or the first turn of its exchange, and those recalled for earlier turns of its block;
-- each with the end of the request that it was recalled for, and in the order of that request.
select
    r.turn_id, r.rank, r.passage_id, r.number, r.score, r.tokens, r.words_json,
    p.turn_id as from_turn_id, t.parent_message_hash as ended, r.thread_id, s.name as session
from memory_contexts c
join memory_recalls r on r.turn_id = c.turn_id
join turns t on t.id = c.turn_id
left join memory_passages p on p.id = r.passage_id
left join memory_sessions s on s.thread_id = r.thread_id
where c.turn_id = :first_id
    or (c.block_id = :block_id and c.rowid <= (select o.rowid from memory_contexts o where o.turn_id = :turn_id))
order by c.rowid, r.thread_id is null, r.thread_id, r.number, r.passage_id

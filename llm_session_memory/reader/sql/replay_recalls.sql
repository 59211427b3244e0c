-- The exchanges that excerpts were recalled from, for a span of a session's turns, in order.
select r.turn_id, r.number, r.tokens, p.turn_id as from_turn_id
from memory_contexts c
join memory_recalls r on r.turn_id = c.turn_id
left join memory_passages p on p.id = r.passage_id
where c.thread_id = :thread_id and c.turn_id >= :first and c.turn_id <= :last
order by r.turn_id, r.rank

-- The exchanges that excerpts were recalled from, for some turns (a JSON array), in order.
select r.turn_id, r.number, r.tokens, p.turn_id as from_turn_id, r.thread_id
from memory_contexts c
join memory_recalls r on r.turn_id = c.turn_id
left join memory_passages p on p.id = r.passage_id
where c.turn_id in (select value from json_each(:ids))
order by c.rowid, r.rank

-- The parts of messages by hash (a JSON array), in order.
select p.message_hash, p.type, p.text, p.payload
from parts p
where p.message_hash in (select value from json_each(:hashes))
order by p.message_hash, p.position

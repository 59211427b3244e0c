-- All messages with their parts, in order, to hash them again.
select m.rowid, m.hash, m.parent_hash, m.role, m.provider_metadata, p.type, p.text, p.payload, p.tool_name
from messages m
left join parts p on p.message_hash = m.hash
order by m.rowid, p.position

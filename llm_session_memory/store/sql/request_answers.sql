-- For each request that ends at one of some messages (:hashes, a JSON array): null if it begins an exchange, otherwise
-- empty, because it answers tool calls: the message is a tool's, or was attached by a tool.
select
    last.hash,
    case
        when last.role = 'tool' then ''
        when last.role = 'user'
            and (select earlier.role from messages earlier where earlier.hash = last.parent_hash) = 'tool'
        then ''
    end as continues
from json_each(:hashes) wanted
join messages last on last.hash = wanted.value

-- Whether the request that ends at a message (:hash) answers tool calls, in the form of turns_of_thread.
select case
    when last.role = 'tool' then ''
    when last.role = 'user'
        and (select earlier.role from messages earlier where earlier.hash = last.parent_hash) = 'tool'
    then ''
end
from messages last
where last.hash = :hash

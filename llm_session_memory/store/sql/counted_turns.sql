-- The newest requests to a model with a known weight and a server's count, from this thread.
select t.id, t.model, t.input_tokens, t.output_tokens, c.base, c.block_id, c.cut, b.window
from (
    select c.* from memory_contexts c
    where c.thread_id = :thread_id
    order by c.turn_id desc
    limit :count
) c
join turns t on t.id = c.turn_id and t.model = :model
left join memory_blocks b on b.id = c.block_id
where t.input_tokens is not null
order by t.id desc

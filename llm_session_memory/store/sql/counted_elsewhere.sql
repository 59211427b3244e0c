-- Like counted_turns, but from all sessions: the newest recorded contexts, whatever their thread.
select t.id, t.model, t.input_tokens, t.output_tokens, c.base, c.block_id, c.cut, b.window
from (select c.* from memory_contexts c order by c.rowid desc limit :count) c
join turns t on t.id = c.turn_id and t.model = :model
left join memory_blocks b on b.id = c.block_id
where t.input_tokens is not null
order by t.id desc

-- The passages of texts that went with prompts, of turns that stay in a thread, if a turn that goes with a batch had one
-- of these texts too: it is indexed once, so it has to be indexed again. The joins are in the order in which llm's
-- indexes find the rows; left alone, SQLite would make an index over all turns first.
with files as materialized (
    select distinct t.thread_id, x.attachment_id
    from temp.gone_turns g
    cross join turns t on t.id = g.id
    cross join parts a on a.message_hash = t.parent_message_hash and a.type = 'attachment'
    cross join part_attachments x on x.part_id = a.id
    where g.batch = :batch
)
select p.id, p.thread, p.turn_id, p.side, p."start", p."end"
from memory_passages p
where p.side = 3 and p.turn_id not in (select id from temp.gone_turns) and p.turn_id in (
    select o.id
    from temp.gone_turns g
    cross join turns t on t.id = g.id
    cross join turn_fragments a on a.turn_id = g.id and a.kind = 'prompt'
    cross join turn_fragments b on b.fragment_id = a.fragment_id and b.kind = 'prompt'
    cross join turns o on o.id = b.turn_id and o.thread_id = t.thread_id
    where g.batch = :batch
    union
    select o.id
    from (select distinct thread_id from files) f
    cross join turns o on o.thread_id = f.thread_id
    cross join parts b on b.message_hash = o.parent_message_hash and b.type = 'attachment'
    cross join part_attachments y on y.part_id = b.id
    where (o.thread_id, y.attachment_id) in (select thread_id, attachment_id from files)
)
order by p.turn_id, p.id

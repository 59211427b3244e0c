-- The passages of texts that went with prompts, of turns that stay in a thread, if a turn that goes with a batch had one
-- of these texts too: it is indexed once, so it has to be indexed again.
select p.id, p.thread, p.turn_id, p.side, p."start", p."end"
from memory_passages p
where p.side = 3 and p.turn_id in (
    select o.id
    from temp.gone_turns g
    join turns t on t.id = g.id
    join turn_fragments a on a.turn_id = g.id and a.kind = 'prompt'
    join turn_fragments b on b.fragment_id = a.fragment_id and b.kind = 'prompt'
    join turns o on o.id = b.turn_id and o.thread_id = t.thread_id
    where g.batch = :batch and o.id not in (select id from temp.gone_turns)
    union
    select o.id
    from temp.gone_turns g
    join turns t on t.id = g.id
    join parts a on a.message_hash = t.parent_message_hash and a.type = 'attachment'
    join part_attachments x on x.part_id = a.id
    join turns o on o.thread_id = t.thread_id
    join parts b on b.message_hash = o.parent_message_hash and b.type = 'attachment'
    join part_attachments y on y.part_id = b.id and y.attachment_id = x.attachment_id
    where g.batch = :batch and o.id not in (select id from temp.gone_turns)
)
order by p.turn_id, p.id

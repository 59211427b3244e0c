-- Give the turns that a fork takes over to its thread, with our rows about them.
insert or ignore into threads (id, name, datetime_utc)
select m.thread_id, (select name from threads where id = t.thread_id), datetime('now')
from temp.moved_turns m
join turns t on t.id = m.id;
insert or ignore into conversations (id, name, model)
select m.thread_id, c.name, c.model
from temp.moved_turns m
join responses r on r.id = m.id
join conversations c on c.id = r.conversation_id;
insert or ignore into memory_ratings (thread_id, turn_id, mark, note, rated_utc)
select m.thread_id, r.turn_id, r.mark, r.note, r.rated_utc
from temp.moved_turns m
join turns t on t.id = m.id
join memory_ratings r on r.thread_id = t.thread_id and r.turn_id = m.id;
insert or ignore into memory_other_ratings (thread_id, turn_id, person, mark, note, rated_utc)
select m.thread_id, r.turn_id, r.person, r.mark, r.note, r.rated_utc
from temp.moved_turns m
join turns t on t.id = m.id
join memory_other_ratings r on r.thread_id = t.thread_id and r.turn_id = m.id;
insert or ignore into memory_bookmarks (thread_id, turn_id, label, created_utc)
select m.thread_id, b.turn_id, b.label, b.created_utc
from temp.moved_turns m
join turns t on t.id = m.id
join memory_bookmarks b on b.thread_id = t.thread_id and b.turn_id = m.id;
-- who put them there, and when, is as it was
insert or replace into memory_changes (kind, thread_id, key, changed_utc, removed, machine, person)
select c.kind, m.thread_id, c.key, c.changed_utc, c.removed, c.machine, c.person
from temp.moved_turns m
join turns t on t.id = m.id
join memory_changes c on c.kind in ('rating', 'bookmark') and c.thread_id = t.thread_id and c.key = m.id;
insert or replace into memory_changes (kind, thread_id, key, changed_utc, removed, machine, person)
select c.kind, m.thread_id, c.key, c.changed_utc, c.removed, c.machine, c.person
from temp.moved_turns m
join turns t on t.id = m.id
join memory_changes c on c.kind = 'other rating' and c.thread_id = t.thread_id
where substr(c.key, 1, instr(c.key, ' ') - 1) = m.id;
update memory_blocks
set thread_id = (
    select m.thread_id
    from memory_contexts c
    join temp.moved_turns m on m.id = c.turn_id
    where c.block_id = memory_blocks.id
    order by c.rowid desc
    limit 1
)
where id in (select c.block_id from memory_contexts c where c.turn_id in (select id from temp.moved_turns));
update memory_contexts
set thread_id = (select m.thread_id from temp.moved_turns m where m.id = memory_contexts.turn_id)
where turn_id in (select id from temp.moved_turns);
update turns
set thread_id = (select m.thread_id from temp.moved_turns m where m.id = turns.id)
where id in (select id from temp.moved_turns);
update responses
set conversation_id = (select m.thread_id from temp.moved_turns m where m.id = responses.id)
where id in (select id from temp.moved_turns);
-- a fork that had no turns of its own has no tip yet
update threads
set tip_message_hash = (
    select coalesce(t.tip_message_hash, t.parent_message_hash)
    from turns t
    where t.thread_id = threads.id
    order by t.rowid desc
    limit 1
)
where tip_message_hash is null and id in (select thread_id from temp.moved_turns)

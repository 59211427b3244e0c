-- What a new fork (:fork) gets of its own from the thread it was forked from (:origin): what a person put on the shared
-- exchanges (:shared, a JSON array of their first turns), and tags, facts and notes.
insert or ignore into memory_undone (thread_id, turn_id, undone_utc)
select :fork, turn_id, undone_utc from memory_undone
where thread_id = :origin and turn_id in (select value from json_each(:shared));

insert into memory_pins (thread_id, turn_id, pinned_utc)
select :fork, turn_id, pinned_utc from memory_pins
where thread_id = :origin and turn_id in (select value from json_each(:shared));

insert into memory_ratings (thread_id, turn_id, mark, note, rated_utc)
select :fork, turn_id, mark, note, rated_utc from memory_ratings
where thread_id = :origin and turn_id in (select value from json_each(:shared));

insert into memory_other_ratings (thread_id, turn_id, person, mark, note, rated_utc)
select :fork, turn_id, person, mark, note, rated_utc from memory_other_ratings
where thread_id = :origin and turn_id in (select value from json_each(:shared));

insert into memory_bookmarks (thread_id, turn_id, label, created_utc)
select :fork, turn_id, label, created_utc from memory_bookmarks
where thread_id = :origin and turn_id in (select value from json_each(:shared));

insert into memory_tags (thread_id, tag, tag_key)
select :fork, tag, tag_key from memory_tags where thread_id = :origin order by rowid;

insert into memory_meta (thread_id, key, value)
select :fork, key, value from memory_meta where thread_id = :origin order by rowid;

insert into memory_notes (thread_id, text, author, created_utc)
select :fork, text, author, created_utc from memory_notes where thread_id = :origin order by id;

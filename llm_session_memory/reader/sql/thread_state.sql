-- What changes when a thread does: counts and last rows within indexes, and the last turn's id: a row's number
-- is given again where the last row was deleted.
select
    (select count(*) from turns where thread_id = :thread_id) as turns,
    (select max(rowid) from turns where thread_id = :thread_id) as last_row,
    (select id from turns where thread_id = :thread_id order by rowid desc limit 1) as last_id,
    (select count(*) from memory_contexts where thread_id = :thread_id) as contexts

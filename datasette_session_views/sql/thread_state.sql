-- What changes when a thread does: counts and last rows within indexes, so that nothing is read but the indexes.
select
    (select count(*) from turns where thread_id = :thread_id) as turns,
    (select max(rowid) from turns where thread_id = :thread_id) as last_row,
    (select count(*) from memory_contexts where thread_id = :thread_id) as contexts

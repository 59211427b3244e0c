-- Values that change when a thread changes: counts and last rows, which indexes answer, and the last turn's id, because
-- SQLite reuses the rowid of a deleted last row. What is undone gets a later time than all that is undone already.
select
    (select count(*) from turns where thread_id = :thread_id) as turns,
    (select max(rowid) from turns where thread_id = :thread_id) as last_row,
    (select id from turns where thread_id = :thread_id order by rowid desc limit 1) as last_id,
    (select count(*) from memory_contexts where thread_id = :thread_id) as contexts,
    (select count(*) from memory_undone where thread_id = :thread_id) as undone,
    (select max(undone_utc) from memory_undone where thread_id = :thread_id) as undone_utc

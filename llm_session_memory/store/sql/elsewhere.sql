-- The newest passages that match :query (FTS5), at most :most, each with the number of its thread.
select w.rowid, p.thread
from (
    select rowid from memory_words where memory_words match :query order by rowid desc limit :most
) w
join memory_passages p on p.id = w.rowid
order by w.rowid desc

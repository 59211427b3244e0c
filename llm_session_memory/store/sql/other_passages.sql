-- The passages of turns (:ids, a JSON array) that are indexed under another number than :thread, in order, and whether
-- the full-text index has words of them.
select p.id, p.turn_id, p.side, p.part, p."start", p."end",
    exists (select 1 from memory_words_docsize d where d.id = p.id) as worded
from memory_passages p
where p.turn_id in (select value from json_each(:ids)) and p.thread is not :thread
order by p.turn_id, p.id

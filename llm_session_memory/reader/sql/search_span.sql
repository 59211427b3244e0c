-- The first and last row of a thread in today's search index: those of its first and last turn that have a row there.
-- Rows are added to both tables together.
select min(s.id) as first_row, max(s.id) as last_row
from turns t
join turn_search s on s.turn_id = t.id
where t.rowid in (
    select rowid from (select rowid from turns where thread_id = :thread_id order by rowid limit 50)
    union all
    select rowid from (select rowid from turns where thread_id = :thread_id order by rowid desc limit 50)
)

-- The parts that are written again: those with a text that no longer counts, and those of digests of which half are out
-- of date, or that were begun in this write (a JSON array of their numbers).
select distinct part from lines where not wins and kind <> 'digest'
union
select l.part from lines l where not l.wins and l.kind = 'digest' group by l.part
having count(*) * 2 >= (select count(*) from lines a where a.part = l.part)
    or l.part in (select value from json_each(?));

-- Matches in today's search index, newest first, without filters: only the index is read.
select rowid as row, case when :ranked then bm25(turn_search_fts) end as score
from turn_search_fts
where turn_search_fts match :match and rowid < :below
order by rowid desc
limit :most

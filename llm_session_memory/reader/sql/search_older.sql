-- Matches in the search index of an older llm, newest first.
select rowid as row, case when :ranked then bm25(responses_fts) end as score
from responses_fts
where responses_fts match :match and rowid < :below
order by rowid desc
limit :most

-- title: Mentions per month
-- topic: Search
-- whole: the search index has all conversations
-- means: How many calls contain all of these words, by month, and in how many conversations. For very common words, only the newest 20,000 matches count.
-- param q: the words to find
with
today as (
    select rowid as row from turn_search_fts where turn_search_fts match coalesce(nullif(escape_fts(:q), ''), '""')
    order by rowid desc limit 20000
),
older as (
    select rowid as row from responses_fts where responses_fts match coalesce(nullif(escape_fts(:q), ''), '""')
    order by rowid desc limit 20000
),
hits as (
    select t.id, t.thread_id, t.datetime_utc
    from today f
    join turn_search s on s.id = f.row
    join turns t on t.id = s.turn_id
    union all
    select r.id, r.conversation_id, r.datetime_utc
    from older f
    join responses r on r.rowid = f.row
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    substr(datetime_utc, 1, 7) as month,
    count(*) as calls,
    count(distinct thread_id) as conversations
from hits
group by substr(datetime_utc, 1, 7)
order by month desc

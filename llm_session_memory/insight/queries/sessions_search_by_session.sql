-- title: Search by session
-- topic: Search
-- whole: the search index has all conversations
-- means: The conversations whose prompts or replies contain all of these words, with the number of such calls, the first one and the last one. For very common words, only the newest 20,000 matches count.
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
),
summed as (
    select thread_id, count(*) as calls, min(datetime_utc) as first_utc, max(datetime_utc) as last_utc, max(id) as newest
    from hits
    group by thread_id
    order by calls desc, last_utc desc, thread_id
    limit 200
)
select
    coalesce(s.name, c.name, h.name) as session, u.calls, u.first_utc as first_mention, u.last_utc as last_mention,
    u.newest as turn_id, u.thread_id
from summed u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.calls desc, u.last_utc desc, u.thread_id

-- title: Full-text search
-- topic: Search
-- whole: the search index has all conversations
-- means: Prompts and replies that contain all of these words, best match first, in both generations of llm's tables. For very common words, only the newest 20,000 matches are ranked.
-- param q: the words to find
with
today as (
    select rowid as row, rank as score from turn_search_fts where turn_search_fts match coalesce(nullif(escape_fts(:q), ''), '""')
    order by rowid desc limit 20000
),
older as (
    select rowid as row, rank as score from responses_fts where responses_fts match coalesce(nullif(escape_fts(:q), ''), '""')
    order by rowid desc limit 20000
),
best as (
    select row, score, 0 as old from today union all select row, score, 1 from older
    order by score, old, row limit 200
)
select
    round(-b.score, 2) as rank,
    coalesce(m.name, h.name, c.name) as session,
    t.datetime_utc, t.model,
    substr(coalesce(s.prompt, r.prompt), 1, 300) as prompt,
    substr(coalesce(s.response, r.response), 1, 300) as response,
    coalesce(t.id, r.id) as turn_id
from best b
left join turn_search s on not b.old and s.id = b.row
left join turns t on t.id = s.turn_id
left join responses r on b.old and r.rowid = b.row
left join memory_sessions m on m.thread_id = coalesce(t.thread_id, r.conversation_id)
left join threads h on h.id = t.thread_id
left join conversations c on c.id = r.conversation_id
where r.id is null or not exists (select 1 from turns o where o.id = r.id)
order by b.score, b.old, b.row

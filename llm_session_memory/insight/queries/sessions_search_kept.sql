-- title: Search in names, notes and tags
-- topic: Search
-- means: The names, titles, notes, tags, facts, bookmarks, reasons of ratings and summaries of sessions that contain a text, ignoring the case of English letters.
-- param q: the text to find
with kept as (
    select 'name' as kind, name as text, thread_id, created_utc as at from memory_sessions
    union all
    select 'title', title, thread_id, made_utc from memory_titles
    union all
    select 'note', text, thread_id, created_utc from memory_notes
    union all
    select 'tag', tag, thread_id, null from memory_tags
    union all
    select 'fact', key || ': ' || value, thread_id, null from memory_meta
    union all
    select 'bookmark', label, thread_id, created_utc from memory_bookmarks
    union all
    select 'rating', note, thread_id, rated_utc from memory_ratings
    union all
    select 'summary', text, thread_id, made_utc from memory_summaries
)
select k.kind, substr(k.text, 1, 300) as text, s.name as session, k.at, k.thread_id
from kept k
left join memory_sessions s on s.thread_id = k.thread_id
where :q <> '' and instr(lower(k.text), lower(:q)) > 0
order by k.at desc, k.kind, k.thread_id, k.text
limit 500

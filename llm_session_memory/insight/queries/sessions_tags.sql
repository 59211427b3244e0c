-- title: Tags
-- topic: Conversations
-- means: The tags with the number of their sessions and of the calls in them, and the last use.
select
    min(g.tag) as tag,
    count(distinct g.thread_id) as sessions,
    count(t.id) as calls,
    max(t.datetime_utc) as last_used
from memory_tags g
left join turns t on t.thread_id = g.thread_id
group by g.tag_key
order by sessions desc, tag, g.tag_key

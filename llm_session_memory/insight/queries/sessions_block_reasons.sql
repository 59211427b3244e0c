-- title: Why history was cut
-- topic: Pruning
-- means: Why blocks of sessions began, and how often: within a block, a request only grows at its end, so a server's prompt cache helps.
select
    b.reason, count(*) as blocks, count(distinct b.thread_id) as sessions, max(b.began_utc) as last_time
from memory_blocks b
group by b.reason
order by blocks desc, b.reason

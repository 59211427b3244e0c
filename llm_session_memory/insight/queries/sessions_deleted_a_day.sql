-- title: Deleted per day
-- topic: Housekeeping
-- whole: what was deleted is of no project
-- means: The conversations and calls that were deleted on each day (UTC). The log keeps their ids, so that an import does not bring them back, but not their texts.
-- param days: how many days to look back; empty for all
select
    substr(deleted_utc, 1, 10) as day,
    sum(kind = 'thread') as conversations,
    sum(kind = 'turn') as calls
from memory_tombstones
where (:days = '' or deleted_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by day
having sum(kind in ('thread', 'turn')) > 0
order by day desc

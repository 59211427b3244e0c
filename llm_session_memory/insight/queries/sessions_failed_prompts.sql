-- title: Failed prompts
-- means: Prompts that got no whole answer, by day and model, how many were answered later, and the newest error. llm itself logs nothing of them: only sessions do.
-- param days: only this many days back; empty for all
select
    substr(datetime_utc, 1, 10) as day,
    model,
    count(*) as failed,
    count(answered_by) as answered_later,
    max(datetime_utc) as newest,
    error as newest_error
from memory_attempts
where (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by day, model
order by day desc, failed desc

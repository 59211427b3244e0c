-- title: Failed prompts
-- topic: Failures and retries
-- means: Prompts that did not get a complete reply, by day and model, with the number answered later and the newest error. Only sessions log failed prompts; llm itself does not.
-- param days: how many days to look back; empty for all
with failed as (
    select
        substr(datetime_utc, 1, 10) as day, model, answered_by, datetime_utc, error,
        row_number() over (partition by substr(datetime_utc, 1, 10), model order by datetime_utc desc, id desc) as place
    from memory_attempts
    where not session_in_progress(request_json)
      and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
)
select
    day,
    model,
    count(*) as failed,
    count(answered_by) as answered_later,
    max(datetime_utc) as newest,
    max(case when place = 1 then error end) as newest_error
from failed
group by day, model
order by day desc, failed desc, model

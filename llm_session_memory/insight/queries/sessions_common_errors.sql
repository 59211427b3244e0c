-- title: Most common errors
-- topic: Failures and retries
-- means: What went wrong with prompts of sessions, by the error's words and model: how often, how many were answered later, and the first and last time.
-- param days: how many days to look back; empty for all
select
    substr(error, 1, 300) as error, model, count(*) as times, count(answered_by) as answered_later,
    min(datetime_utc) as first_time, max(datetime_utc) as last_time
from memory_attempts
where not session_in_progress(request_json) and (:days = '' or datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by substr(error, 1, 300), model
order by times desc, last_time desc, error, model
limit 200

-- title: Failures by session
-- topic: Failures and retries
-- means: The sessions with failed prompts: how many failed, the percentage of its prompts, how many are still without a reply, and the last failure.
with failed as (
    select thread_id, count(*) as failed, sum(answered_by is null) as open, max(datetime_utc) as last_failure
    from memory_attempts
    where not session_in_progress(request_json)
    group by thread_id
)
select
    s.name as session, f.failed,
    round(100.0 * f.failed / (f.failed + (select count(*) from turns t where t.thread_id = f.thread_id)), 1) as percent_failed,
    f.open as without_a_reply, f.last_failure, f.thread_id
from failed f
left join memory_sessions s on s.thread_id = f.thread_id
order by f.failed desc, f.last_failure desc, f.thread_id

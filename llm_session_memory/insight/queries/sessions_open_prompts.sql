-- title: Prompts without a reply
-- topic: Failures and retries
-- means: The prompts of sessions that failed and were not answered since, newest first, with the error. Answer one with: llm sessions retry.
select
    a.datetime_utc, s.name as session, a.model, substr(a.prompt, 1, 300) as prompt, a.error,
    length(a.partial) as characters_that_came, a.thread_id
from memory_attempts a
left join memory_sessions s on s.thread_id = a.thread_id
where a.answered_by is null and not session_in_progress(a.request_json)
order by a.datetime_utc desc, a.id desc

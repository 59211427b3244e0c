-- title: Time lost to failures
-- topic: Failures and retries
-- means: The seconds that failed calls of sessions took, by model, and the characters of replies that broke off.
select
    model, count(*) as failed, round(sum(duration_ms) / 1000.0, 1) as seconds, round(max(duration_ms) / 1000.0, 1) as longest,
    sum(length(partial)) as characters_that_came
from memory_attempts
where not session_in_progress(request_json)
group by model
order by seconds desc, model

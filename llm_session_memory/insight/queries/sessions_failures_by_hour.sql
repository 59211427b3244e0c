-- title: Failures by hour
-- topic: Failures and retries
-- means: The prompts of sessions that were answered and that failed, by the hour of the day (UTC): whether a server is overloaded at some hours.
with tried as (
    select substr(t.datetime_utc, 12, 2) as hour, 1 as answered, 0 as failed
    from memory_contexts c
    join turns t on t.id = c.turn_id
    union all
    select substr(a.datetime_utc, 12, 2), 0, 1 from memory_attempts a where not session_in_progress(a.request_json)
)
select
    cast(hour as integer) as hour, sum(answered) as answered, sum(failed) as failed,
    round(100.0 * sum(failed) / count(*), 1) as percent_failed
from tried
group by hour
order by hour

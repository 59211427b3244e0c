-- How far the items of a job are, for the machine that made it. Items that wait untouched are left out.
select
    position, state, tries, error, thread_id, turn_id, model, input_tokens, output_tokens, duration_ms, cost_usd,
    to_char(started at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as started_utc,
    to_char(ended at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as ended_utc
from SCHEMA.remote_items
where job_id = %(job_id)s and (state <> 'waiting' or ticket > 1 or tries > 0 or error is not null)
order by position

-- title: Seconds by size of the request
-- topic: Models
-- means: How long calls took, by the input tokens of their requests: average seconds, the longest call, and the average output tokens, which take time as well.
-- param model: only this model; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
sized as (
    select
        case when input_tokens < 100 then 1 when input_tokens < 1000 then 2 when input_tokens < 4000 then 3
            when input_tokens < 16000 then 4 when input_tokens < 64000 then 5 when input_tokens < 256000 then 6
            else 7 end as place,
        duration_ms, output_tokens
    from calls
    where input_tokens is not null and duration_ms is not null and (:model = '' or model = :model)
),
sizes (place, tokens_in) as (
    values (1, 'under 100'), (2, '100 to 999'), (3, '1,000 to 3,999'), (4, '4,000 to 15,999'), (5, '16,000 to 63,999'),
        (6, '64,000 to 255,999'), (7, '256,000 and more')
)
select
    z.tokens_in,
    count(c.place) as calls,
    round(avg(c.duration_ms) / 1000.0, 2) as seconds_a_call,
    round(max(c.duration_ms) / 1000.0, 2) as longest,
    round(avg(c.output_tokens)) as tokens_out
from sizes z
join sized c on c.place = z.place
group by z.place, z.tokens_in
order by z.place

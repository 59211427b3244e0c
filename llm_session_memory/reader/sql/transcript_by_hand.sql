-- A conversation as it was logged: one row per call, oldest first.
select
    t.datetime_utc, t.model, s.prompt, s.response, t.input_tokens, t.output_tokens, t.duration_ms, t.id
from turns t
left join turn_search s on s.turn_id = t.id
where t.thread_id = :thread_id
union all
select
    r.datetime_utc, r.model, r.prompt, r.response, r.input_tokens, r.output_tokens, r.duration_ms, r.id
from responses r
where r.conversation_id = :thread_id
  and r.id not in (select id from turns)
order by 8

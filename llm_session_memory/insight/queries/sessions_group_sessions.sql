-- title: Sessions of a group side by side
-- topic: Comparisons
-- means: The sessions of one group: models, calls, average tokens in and out, seconds, dollars, and good and bad ratings. Whether a difference means anything: llm sessions compare --group NAME.
-- param group: name of the group
with rated as (
    select thread_id, sum(mark in ('up', '4', '5')) as good, sum(mark in ('down', '1', '2')) as bad
    from memory_ratings
    group by thread_id
),
used as (
    select thread_id, group_concat(model) as models
    from (
        select distinct thread_id, model from turns
        where thread_id in (select thread_id from memory_group_members where name_key = session_key(:group))
        order by thread_id, model
    ) d
    group by thread_id
)
select
    coalesce(s.name, h.name) as session, u.models, count(t.id) as calls,
    round(avg(t.input_tokens)) as tokens_in, round(avg(t.output_tokens)) as tokens_out,
    round(avg(t.duration_ms) / 1000.0, 2) as seconds,
    round(sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)), 4) as dollars,
    r.good, r.bad, m.thread_id
from memory_group_members m
left join turns t on t.thread_id = m.thread_id
left join memory_sessions s on s.thread_id = m.thread_id
left join threads h on h.id = m.thread_id
left join rated r on r.thread_id = m.thread_id
left join used u on u.thread_id = m.thread_id
where m.name_key = session_key(:group)
group by m.thread_id, m.added_utc, s.name, h.name, u.models, r.good, r.bad
order by m.added_utc, m.thread_id

-- title: Groups
-- topic: Comparisons
-- means: The groups of sessions that you compare: members, calls, models, dollars, and the last use.
with members as (
    select g.name_key, count(distinct m.thread_id) as sessions from memory_groups g
    left join memory_group_members m on m.name_key = g.name_key
    group by g.name_key
),
spent as (
    select
        m.name_key, count(*) as calls, max(t.datetime_utc) as last_used,
        sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)) as dollars
    from memory_group_members m
    join turns t on t.thread_id = m.thread_id
    group by m.name_key
),
used as (
    select name_key, group_concat(model) as models
    from (
        select distinct m.name_key, t.model
        from memory_group_members m
        join turns t on t.thread_id = m.thread_id
        order by m.name_key, t.model
    ) d
    group by name_key
)
select
    g.name, m.sessions, coalesce(u.calls, 0) as calls, d.models, round(u.dollars, 4) as dollars, u.last_used, g.created_utc
from memory_groups g
join members m on m.name_key = g.name_key
left join spent u on u.name_key = g.name_key
left join used d on d.name_key = g.name_key
order by g.created_utc desc, g.name_key

-- The facts on a line of the list for each of these threads (a JSON array), from today's tables.
with
said as materialized (
    select
        w.value as thread_id, t.id, t.parent_message_hash, t.model, t.input_tokens, t.output_tokens, t.datetime_utc,
        session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc) as cost
    from json_each(:ids) w
    left join turns t on t.thread_id = w.value
),
counted as (
    select
        t.thread_id,
        count(t.id) as calls,
        sum(t.input_tokens) as input_tokens,
        sum(t.output_tokens) as output_tokens,
        sum(t.cost) as cost,
        count(t.input_tokens) as counted,
        count(t.cost) as priced,
        sum(case when t.cost is null then session_is_local(t.model) else 0 end) as local,
        min(t.datetime_utc) as first_utc,
        max(t.datetime_utc) as last_utc,
        count(*) filter (
            where t.id in (select turn_id from turn_tools)
              and (select m.role from messages m where m.hash = t.parent_message_hash) = 'tool'
        ) as continuing
    from said t
    group by t.thread_id
)
select
    c.*,
    h.name as first_words,
    coalesce(f.from_thread_id, h.forked_from) as forked_from,
    (select t.model from turns t where t.thread_id = c.thread_id order by t.rowid desc limit 1) as last_model,
    s.name, s.model as session_model, s.memory as policy, s.max_context_tokens as budget, s.created_utc,
    (select count(*) from memory_undone u where u.thread_id = c.thread_id
        and not exists (select 1 from turns t where t.id = u.turn_id and t.thread_id <> u.thread_id)) as undone,
    s.template, s.archived_utc, coalesce(p.name, s.project) as project,
    (select count(*) from memory_pins n where n.thread_id = c.thread_id) as pins,
    (select y.title from memory_titles y where y.thread_id = c.thread_id) as title,
    (select count(*) from memory_snapshots n where n.thread_id = c.thread_id) as snapshots,
    (select count(*) from memory_attempts a where a.thread_id = c.thread_id and a.answered_by is null
        and not session_in_progress(a.request_json)) as attempts,
    (select a.datetime_utc from memory_attempts a where a.thread_id = c.thread_id order by a.id desc limit 1) as attempted_utc,
    (select json_group_array(g.tag) from (select tag from memory_tags where thread_id = c.thread_id order by tag_key) g) as tags
from counted c
left join threads h on h.id = c.thread_id
left join memory_forks f on f.thread_id = c.thread_id
left join memory_sessions s on s.thread_id = c.thread_id
left join memory_projects p on p.name_key = s.project

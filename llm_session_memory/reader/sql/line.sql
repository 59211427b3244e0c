-- The name and settings of a thread, without reading its turns, for the transcript, which has its figures already.
select
    w.thread_id,
    h.name as first_words,
    coalesce(f.from_thread_id, h.forked_from) as forked_from,
    (select t.model from turns t where t.thread_id = w.thread_id order by t.rowid desc limit 1) as last_model,
    s.name, s.model as session_model, s.memory as policy, s.max_context_tokens as budget, s.created_utc,
    s.template, s.archived_utc, coalesce(p.name, s.project) as project,
    (select count(*) from memory_pins n where n.thread_id = w.thread_id) as pins,
    (select y.title from memory_titles y where y.thread_id = w.thread_id) as title,
    (select count(*) from memory_snapshots n where n.thread_id = w.thread_id) as snapshots,
    (select count(*) from memory_attempts a where a.thread_id = w.thread_id and a.answered_by is null
        and not session_in_progress(a.request_json)) as attempts,
    (select a.datetime_utc from memory_attempts a where a.thread_id = w.thread_id order by a.id desc limit 1) as attempted_utc,
    (select json_group_array(g.tag) from (select tag from memory_tags where thread_id = w.thread_id order by tag_key) g) as tags
from (select :thread_id as thread_id) w
left join threads h on h.id = w.thread_id
left join memory_forks f on f.thread_id = w.thread_id
left join memory_sessions s on s.thread_id = w.thread_id
left join memory_projects p on p.name_key = s.project

-- title: Settings of sessions
-- topic: Conversations
-- means: The defaults of each named session: model, policy, budget of tokens, options, where it recalls from, and whether it is private. Blank if it has the plugin's default.
select
    s.name as session, p.name as project, s.model, s.memory as policy, s.max_context_tokens, nullif(s.options_json, '{}') as options,
    s.recall_from, nullif(s.private, 0) as private, s.template, length(s.system) as system_characters, s.created_utc,
    s.thread_id
from memory_sessions s
left join memory_projects p on p.name_key = s.project
order by s.name_key

-- A session's settings, and its newest request.
select
    s.name, s.created_utc, s.model, s.system, s.options_json, s.max_context_tokens, s.memory, s.recall_from, s.private,
    c.turn_id as last_turn_id, c.estimate as last_estimate,
    b.policy as last_policy, b.budget as last_budget, b.window, b.window_source, b.start_number as last_start
from memory_sessions s
left join memory_contexts c on c.turn_id = (
    select turn_id from memory_contexts where thread_id = s.thread_id order by rowid desc limit 1
)
left join memory_blocks b on b.id = c.block_id
where s.thread_id = :thread_id

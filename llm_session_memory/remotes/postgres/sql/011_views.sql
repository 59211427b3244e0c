-- Views for reading by hand. Each is of both generations of llm's tables, and plain enough for SQLite, where tests
-- compare them. Who may not see a row of a table doesn't see it here either, from PostgreSQL 15 on.

-- Model calls.
create view SCHEMA.calls as
select
    c.id, c.thread_id, s.name as session, c.model, c.resolved_model, c.datetime_utc, c.duration_ms, c.input_tokens,
    c.output_tokens, c.prompt, c.response
from (
    select
        t.id, t.thread_id, t.model, t.resolved_model, t.datetime_utc, t.duration_ms, t.input_tokens, t.output_tokens,
        q.prompt, q.response
    from SCHEMA.turns t
    left join SCHEMA.turn_search q on q.turn_id = t.id
    union all
    select
        r.id, r.conversation_id, r.model, r.resolved_model, r.datetime_utc, r.duration_ms, r.input_tokens,
        r.output_tokens, r.prompt, r.response
    from SCHEMA.responses r
    where not exists (select 1 from SCHEMA.turns t where t.id = r.id)
) c
left join SCHEMA.memory_sessions s on s.thread_id = c.thread_id;

-- Exchanges: a prompt and everything up to its reply, which may be several calls with tools.
create view SCHEMA.exchanges as
select
    n.thread_id, min(n.session) as session, n.number, min(n.id) as exchange_id, min(n.datetime_utc) as datetime_utc,
    count(*) as calls, sum(n.input_tokens) as input_tokens, sum(n.output_tokens) as output_tokens,
    sum(n.duration_ms) as duration_ms,
    min(case when n.goes_on = 0 then n.prompt end) as prompt,
    max(case when n.place_from_end = 1 then n.response end) as response
from (
    select
        g.*, row_number() over (partition by g.thread_id, g.number order by g.id desc) as place_from_end
    from (
        select
            f.*, sum(1 - f.goes_on) over (partition by f.thread_id order by f.id) as number
        from (
            select
                c.*,
                case when exists (
                    select 1 from SCHEMA.turns t
                    join SCHEMA.messages m on m.hash = t.parent_message_hash and m.role = 'tool'
                    where t.id = c.id and exists (select 1 from SCHEMA.turn_tools o where o.turn_id = t.id)
                ) or exists (select 1 from SCHEMA.tool_results x where x.response_id = c.id) then 1 else 0 end as goes_on
            from SCHEMA.calls c
        ) f
    ) g
) n
group by n.thread_id, n.number;

-- Sessions, and conversations without a name.
create view SCHEMA.sessions as
select
    s.name, h.thread_id, p.name as project, s.model, h.exchanges, h.calls, h.input_tokens, h.output_tokens,
    s.created_utc, h.first_used_utc, h.last_used_utc, s.archived_utc
from (
    select
        e.thread_id, count(*) as exchanges, sum(e.calls) as calls, sum(e.input_tokens) as input_tokens,
        sum(e.output_tokens) as output_tokens, min(e.datetime_utc) as first_used_utc,
        (select max(c.datetime_utc) from SCHEMA.calls c where c.thread_id = e.thread_id) as last_used_utc
    from SCHEMA.exchanges e
    group by e.thread_id
    union all
    select s.thread_id, 0, 0, null, null, null, null
    from SCHEMA.memory_sessions s
    where not exists (select 1 from SCHEMA.turns t where t.thread_id = s.thread_id)
      and not exists (select 1 from SCHEMA.responses r where r.conversation_id = s.thread_id)
) h
left join SCHEMA.memory_sessions s on s.thread_id = h.thread_id
left join SCHEMA.memory_projects p on p.name_key = s.project;

-- The sessions as logs have them: one row each.
create view SCHEMA.memory_session_list as
select
    s.name,
    s.thread_id,
    s.model,
    (select count(*) from SCHEMA.turns t where t.thread_id = s.thread_id) as turns,
    (select sum(t.input_tokens) from SCHEMA.turns t where t.thread_id = s.thread_id) as input_tokens,
    (select sum(t.output_tokens) from SCHEMA.turns t where t.thread_id = s.thread_id) as output_tokens,
    coalesce((select max(t.datetime_utc) from SCHEMA.turns t where t.thread_id = s.thread_id), s.created_utc) as last_used_utc,
    (select count(*) from SCHEMA.memory_attempts a where a.thread_id = s.thread_id and a.answered_by is null) as open_attempts
from SCHEMA.memory_sessions s;

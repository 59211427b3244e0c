-- Projects: defaults for the sessions that are created in them, and limits for all of them together.
create table if not exists memory_projects (
    name_key text primary key,           -- the name in NFC, without case, with single spaces
    name text not null,                  -- as the person typed it
    created_utc text not null,
    model text,                          -- from here to `think`: as in memory_sessions
    system text,
    options_json text not null default '{}',
    max_context_tokens integer,
    memory text,
    recall_share real,
    recall_model text,
    summary_model text,
    think text,
    budget_usd real,                     -- the most that all its sessions together may cost, in US dollars; null: no limit
    retention_days integer,              -- its conversations are purged this many days after their last use; 0: never; null: as the whole log
    auto_title integer not null default 0, -- 1: its sessions get a title after their third exchange
    title_model text                     -- the model that writes it; null: as in the whole log
);

alter table memory_sessions add column project text; -- memory_projects.name_key, or null
alter table memory_sessions add column template text; -- the llm template that it was created from, or null
alter table memory_sessions add column archived_utc text; -- when it was archived; null: it is in lists
alter table memory_sessions add column budget_usd real; -- the most that it may cost, in US dollars; null: no limit
create index if not exists memory_sessions_project on memory_sessions (project, thread_id);

-- Forks. The history of a fork is that of the thread it was forked from, up to an exchange, and then its own turns.
-- threads.forked_from has the same thread, once the fork has turns of its own.
create table if not exists memory_forks (
    thread_id text primary key,          -- the fork
    from_thread_id text not null,
    at_turn_id text not null,            -- first turn of the last exchange that both have
    forked_utc text not null
);
create index if not exists memory_forks_from on memory_forks (from_thread_id, at_turn_id);

-- Exchanges that were taken out of a session, but not out of the log.
create table if not exists memory_undone (
    thread_id text not null,             -- the session; forks have rows of their own
    turn_id text not null,               -- first turn of the exchange
    undone_utc text not null,            -- the same for exchanges that were undone together
    primary key (thread_id, turn_id)
) without rowid;

-- The number of a summary's last exchange when it was made; null: not known. If it has another number now, exchanges
-- before it were undone, brought back or deleted since, and the summary is no longer used.
alter table memory_summaries add column last_number integer;

-- Points in a session to go back to, or to fork from.
create table if not exists memory_snapshots (
    id integer primary key,
    thread_id text not null,
    label text not null,                 -- as the person typed it
    label_key text not null,
    turn_id text,                        -- first turn of its last exchange; null if it had none yet
    state_json text not null,            -- settings, pins, notes and summary at that time
    made_utc text not null,
    unique (thread_id, label_key)
);

-- One-line titles of conversations, with a name or without.
create table if not exists memory_titles (
    thread_id text primary key,
    title text not null,                 -- empty: removed, so none is made unless someone asks for it
    author text not null,                -- 'you', or the model that wrote it
    input_tokens integer,                -- the server's count for the call that made it
    output_tokens integer,
    duration_ms integer,
    spent_usd real,                      -- the cost of the calls for this title and earlier ones; null: nothing or unknown
    made_utc text not null
);

-- What was deleted, without its text, so that imports and merges do not bring it back.
create table if not exists memory_tombstones (
    kind text not null,                  -- 'turn', 'thread' or 'content'; 'restored': a deleted text, imported again
    id text not null,                    -- turns.id, threads.id, or the hash of a call's time, prompt and reply
    deleted_utc text not null,
    primary key (kind, id)
) without rowid;

-- Requests that are no longer as they were sent: text that was deleted is blanked in them.
create table if not exists memory_changed (
    turn_id text primary key,            -- turns.id
    changed_utc text not null
) without rowid;

-- Settings of the whole log, such as how long conversations are kept.
create table if not exists memory_log_settings (
    key text primary key,
    value text not null
) without rowid;

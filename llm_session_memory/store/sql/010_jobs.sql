-- Jobs: many prompts that are asked one after the other or side by side, and go on if they are interrupted. A batch, a
-- workflow's run and a session that is asked again are jobs. Each answer is a turn in llm's own tables.
create table if not exists memory_jobs (
    id text primary key,                 -- a ULID
    name text not null,                  -- such as 'prompts-2026-11-28-1'
    name_key text not null unique,       -- the name, folded, by which it is found
    kind text not null,                  -- 'batch', 'workflow' or 'rerun'
    state text not null default 'open',  -- 'open', 'done', 'stopped' or 'cancelled'
    reason text,                         -- why it stopped, as a sentence
    thread_id text,                      -- the session of its items; null: each item has one of its own
    settings_json text not null,         -- what holds for all its items: model, system prompt, options, limits, ...
    definition text,                     -- the text of a workflow's file
    inputs_json text,                    -- a workflow's inputs, as a JSON object
    max_cost_usd real,                   -- the most that it may cost
    spent_usd real,                      -- what its answers have cost, as far as it is known
    created_utc text not null,
    ended_utc text
);

-- The items of jobs: one prompt each, or one step of a workflow.
create table if not exists memory_job_items (
    job_id text not null,
    position integer not null,           -- counted from 1
    key text not null,                   -- hash of prompt, model, options and id: nothing is asked twice in one job
    id text,                             -- its id in the file, or the step's name, such as 'summary' or 'summary[3]'
    kind text not null default 'prompt', -- 'prompt', or a workflow's 'shell', 'list' and others without a model
    model text,
    input_json text not null,            -- prompt, and what differs from the job's settings
    needs_json text,                     -- the positions of the items that must be done before, as a JSON list
    state text not null default 'waiting', -- 'waiting', 'running', 'done', 'failed', 'skipped' or 'cancelled'
    tries integer not null default 0,    -- how often it was asked
    error text,                          -- what went wrong last, as a sentence
    thread_id text,                      -- where its answer is
    turn_id text,                        -- the first call of its answer
    output_json text,                    -- what a step without a model gave
    input_tokens integer,                -- of all calls of its answer
    output_tokens integer,
    duration_ms integer,                 -- how long its answer took, without waiting for its turn
    cost_usd real,                       -- null: not known, or a local model
    owner text,                          -- the process that works on it
    lease_utc text,                      -- until when it is that process's; after that, another one may take it
    not_before_utc text,                 -- when it may be asked again
    started_utc text,                    -- when it was asked last
    ended_utc text,
    primary key (job_id, position),
    unique (job_id, key)
) without rowid;
create index if not exists memory_job_items_state on memory_job_items (job_id, state, position);
create index if not exists memory_job_items_turn on memory_job_items (turn_id);

-- Sessions that a person compares with each other.
create table if not exists memory_groups (
    name_key text primary key,
    name text not null,
    created_utc text not null
) without rowid;
create table if not exists memory_group_members (
    name_key text not null,
    thread_id text not null,
    added_utc text not null,
    primary key (name_key, thread_id)
) without rowid;
create index if not exists memory_group_members_thread on memory_group_members (thread_id);

-- Which of two answers to the same prompt a person found better.
create table if not exists memory_votes (
    a_turn_id text not null,             -- the first call of each answer; a's id is the smaller one
    b_turn_id text not null,
    better text not null,                -- 'a', 'b' or '='
    blind integer not null default 0,    -- 1: the models' names were not shown
    voted_utc text not null,
    primary key (a_turn_id, b_turn_id)
) without rowid;
create index if not exists memory_votes_b on memory_votes (b_turn_id);

create trigger if not exists memory_changes_no_group after delete on memory_groups begin
    insert into memory_changes
    values ('group', '', old.name_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_member after delete on memory_group_members begin
    insert into memory_changes
    values ('member', old.thread_id, old.name_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_vote after delete on memory_votes begin
    insert into memory_changes
    values ('vote', '', old.a_turn_id || ' ' || old.b_turn_id, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;

-- Jobs that several machines work on. Only ids are given to DBOS, whose own tables are in a schema beside this one.
create table if not exists SCHEMA.remote_jobs (
    id text primary key,                          -- a ULID, the same as in the log of the machine that made it
    name text not null,
    kind text not null,                           -- 'batch'
    state text not null default 'open',           -- 'open', 'done', 'stopped' or 'cancelled'
    reason text,                                  -- why it stopped, as a sentence
    thread_id text,                               -- the session of its answers; null: each answer has one of its own
    settings json not null,                       -- what holds for all its items, with the texts of fragments
    max_cost_usd double precision,
    spent_usd double precision,
    answers integer not null default 0,           -- how many of its answers have a known price
    machine text not null default '',             -- who made it
    person text not null default '',
    created_utc text not null,
    ended timestamptz
);

-- What an item needs of a worker. Each line is a queue of DBOS, so that a worker takes only what it can ask.
create table if not exists SCHEMA.remote_queues (
    name text primary key,
    model text not null,
    is_async boolean not null,
    tools json not null                           -- names of tools, as for llm -T
);

create table if not exists SCHEMA.remote_items (
    job_id text not null references SCHEMA.remote_jobs (id) on delete cascade,
    position integer not null,                    -- counted from 1
    id text,                                      -- its id in the file of prompts
    key text not null,
    model text not null,
    input json not null,                          -- the prompt, and what differs from the job's settings
    queue text not null references SCHEMA.remote_queues (name),
    ticket integer not null default 1,            -- which of its workflows in DBOS counts; earlier ones do nothing
    state text not null default 'waiting',        -- 'waiting', 'running', 'done', 'failed', 'skipped' or 'cancelled'
    tries integer not null default 0,
    deaths integer not null default 0,            -- how many workers died while they asked it
    error text,
    owner text,                                   -- the worker that asks it
    thread_id text,                               -- where its answer is
    turn_id text,
    input_tokens bigint,
    output_tokens bigint,
    duration_ms bigint,
    cost_usd double precision,
    not_before timestamptz,
    started timestamptz,
    ended timestamptz,
    primary key (job_id, position),
    unique (job_id, key)
);
create index if not exists remote_items_left on SCHEMA.remote_items (job_id, state) where state in ('waiting', 'running');
create index if not exists remote_items_owner on SCHEMA.remote_items (owner) where state = 'running';

-- The workers that are alive, each with the moment when it last said so.
create table if not exists SCHEMA.remote_workers (
    id text primary key,                          -- also the executor id in DBOS
    machine text not null,
    started timestamptz not null default now(),
    seen timestamptz not null default now()
);

-- A session is a name bound to one llm thread, with the defaults for its next prompts.
create table if not exists memory_sessions (
    thread_id text primary key,          -- threads.id, or conversations.id of an older llm; the row may not exist yet
    name text not null,                  -- as the person typed it
    name_key text not null unique,       -- the name in NFC, without case, with single spaces; makes it unique
    created_utc text not null,
    model text,                          -- llm's id of the model
    system text,                         -- system prompt, or null
    options_json text not null default '{}',
    max_context_tokens integer,          -- null: the default of the package
    memory text                          -- policy, null: the default of the package
);

-- A block is a series of prompts in which each request is the previous one, its reply, and the new input.
create table if not exists memory_blocks (
    id integer primary key,
    thread_id text not null,
    start_turn_id text,                  -- first turn of the first exchange that is sent as recent, or null
    start_number integer,                -- the number of this exchange when the block began
    pinned_json text not null,           -- first turns of the exchanges put before it, as a JSON array
    policy text not null,
    budget integer not null,             -- tokens
    window integer,                      -- tokens, null if unknown
    window_source text not null,         -- the source of the window's size, in words
    front text not null,                 -- identifies everything sent before the recent exchanges
    clip integer,                        -- tokens that the start's exchange was cut to; null if sent whole
    oversized integer not null,          -- 1 if the prompt alone filled the budget
    reason text not null,                -- why the block began, in words
    began_utc text not null
);
create index if not exists memory_blocks_thread on memory_blocks (thread_id, id);

-- Why a turn's request contained what it did. The request itself is in llm's own turns and messages.
create table if not exists memory_contexts (
    turn_id text primary key,            -- turns.id
    thread_id text not null,
    block_id integer not null references memory_blocks (id),
    exchange_turn_id text not null,      -- first turn of the exchange that this turn belongs to
    number integer not null,             -- that exchange's number when it was logged
    after_turn_id text,                  -- newest turn of the thread when the request was made
    base real not null,                  -- weight of the request for an average tokenizer, in tokens
    estimate integer not null,           -- tokens of the request as estimated for its model
    cut text                             -- how the server cut it (“certain: …” or “likely: …”), null if it did not
);
create index if not exists memory_contexts_thread on memory_contexts (thread_id, turn_id);
create index if not exists memory_contexts_block on memory_contexts (block_id, turn_id);

-- Exchanges that are always sent.
create table if not exists memory_pins (
    thread_id text not null,
    turn_id text not null,               -- first turn of the exchange
    pinned_utc text not null,
    primary key (thread_id, turn_id)
);

-- Prompts without a complete answer. llm itself logs nothing about them.
create table if not exists memory_attempts (
    id text primary key,                 -- the id that the turn would have had
    thread_id text not null,
    model text not null,
    prompt text not null,
    error text not null,
    partial text not null,               -- the part of the reply that had arrived
    datetime_utc text not null,          -- start of the call
    duration_ms integer,
    request_json text not null,          -- everything needed to send it again
    answered_by text                     -- the turn that finally answered it, or null
);
create index if not exists memory_attempts_thread on memory_attempts (thread_id, id);

-- What servers reported about their models' context windows.
create table if not exists memory_windows (
    model text primary key,
    asked_utc text not null,
    loaded integer,                      -- tokens the server had allocated when the model was last seen loaded
    loaded_utc text,
    configured integer,                  -- num_ctx of the Modelfile
    trained integer                      -- the most the model was trained for
);

-- The sessions, for reading by hand: one row each, newest use first.
create view if not exists memory_session_list as
select
    s.name,
    s.thread_id,
    s.model,
    (select count(*) from turns t where t.thread_id = s.thread_id) as turns,
    (select sum(t.input_tokens) from turns t where t.thread_id = s.thread_id) as input_tokens,
    (select sum(t.output_tokens) from turns t where t.thread_id = s.thread_id) as output_tokens,
    coalesce((select max(t.datetime_utc) from turns t where t.thread_id = s.thread_id), s.created_utc) as last_used_utc,
    (select count(*) from memory_attempts a where a.thread_id = s.thread_id and a.answered_by is null) as open_attempts
from memory_sessions s
order by last_used_utc desc;

-- A turn's own input, if its texts had to be cut before they were ever sent (long tool results). llm logs what was
-- sent; this is the full input, as a JSON array of messages in llm's wire form.
create table if not exists memory_originals (
    turn_id text primary key,            -- turns.id
    messages_json text not null
);

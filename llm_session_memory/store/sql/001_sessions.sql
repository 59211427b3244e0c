-- A session is a name bound to one llm thread, with the defaults for its next prompts.
create table memory_sessions (
    thread_id text primary key,          -- threads.id, or conversations.id of an older llm; the row may not exist yet
    name text not null,                  -- as the person wrote it
    name_key text not null unique,       -- the same in NFC and without case: what makes a name unique
    created_utc text not null,
    model text,                          -- the id that llm knows the model by
    system text,                         -- system prompt, null for none
    options_json text not null default '{}',
    max_context_tokens integer,          -- null: the default of the package
    memory text                          -- policy, null: the default of the package
);

-- A block is a stretch of prompts in which each request is the one before, its reply, and the new input.
create table memory_blocks (
    id integer primary key,
    thread_id text not null,
    start_turn_id text,                  -- first turn of the first exchange that is sent as recent; null for none
    start_number integer,                -- the number that this exchange had when the block began
    pinned_json text not null,           -- first turns of the exchanges put before it, as a JSON array
    policy text not null,
    budget integer not null,             -- tokens
    window integer,                      -- tokens, null where not known
    window_source text not null,         -- where the window was learned, in words
    front text not null,                 -- stands for all that is sent before the recent exchanges
    clip integer,                        -- tokens that the start's exchange was cut to; null where sent whole
    oversized integer not null,          -- 1 where the prompt filled the budget alone
    reason text not null,                -- why the block began, in words
    began_utc text not null
);
create index memory_blocks_thread on memory_blocks (thread_id, id);

-- Why a turn was sent what it was sent. What was sent is in llm's own turns and messages.
create table memory_contexts (
    turn_id text primary key,            -- turns.id
    thread_id text not null,
    block_id integer not null references memory_blocks (id),
    exchange_turn_id text not null,      -- first turn of the exchange that this turn belongs to
    number integer not null,             -- that exchange's number when the request was made
    after_turn_id text,                  -- newest turn of the thread when the request was made
    base real not null,                  -- weight of the request for an average tokenizer, in tokens
    estimate integer not null,           -- tokens of the request as estimated for its model
    cut text                             -- how the server cut it (“certain: …” or “likely: …”), null where it did not
);
create index memory_contexts_thread on memory_contexts (thread_id, turn_id);
create index memory_contexts_block on memory_contexts (block_id, turn_id);

-- Exchanges that are always sent.
create table memory_pins (
    thread_id text not null,
    turn_id text not null,               -- first turn of the exchange
    pinned_utc text not null,
    primary key (thread_id, turn_id)
);

-- Prompts that got no whole answer. llm itself logs nothing of them.
create table memory_attempts (
    id text primary key,                 -- the id that the turn would have had
    thread_id text not null,
    model text not null,
    prompt text not null,
    error text not null,
    partial text not null,               -- what had come of the reply
    datetime_utc text not null,          -- start of the call
    duration_ms integer,
    request_json text not null,          -- what is needed to send it again
    answered_by text                     -- the turn that answered it in the end, null while none did
);
create index memory_attempts_thread on memory_attempts (thread_id, id);

-- What servers said of their models' context lengths, remembered.
create table memory_windows (
    model text primary key,
    asked_utc text not null,
    loaded integer,                      -- tokens the server had allocated when the model was last seen loaded
    loaded_utc text,
    configured integer,                  -- num_ctx of the Modelfile
    trained integer                      -- the most the model was trained for
);

-- The sessions, to read by hand: one row each, newest use first.
create view memory_session_list as
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

-- A turn's own input where its texts had to be cut before they were ever sent (long tool results): llm logs what was
-- sent, this is the whole, as a JSON array of messages in llm's wire form.
create table memory_originals (
    turn_id text primary key,            -- turns.id
    messages_json text not null
);

-- What a session always sends besides its pins: short notes, kept by the person or by a model.
create table if not exists memory_notes (
    id integer primary key,
    thread_id text not null,
    text text not null,
    author text not null,                -- 'you', or the model that kept it
    created_utc text not null
);
create index if not exists memory_notes_thread on memory_notes (thread_id, id);

-- Words to find sessions by.
create table if not exists memory_tags (
    thread_id text not null,
    tag text not null,                   -- as the person typed it
    tag_key text not null,               -- the tag without case
    primary key (thread_id, tag_key)
);
create index if not exists memory_tags_key on memory_tags (tag_key, thread_id);

-- Facts about sessions, by key.
create table if not exists memory_meta (
    thread_id text not null,
    key text not null,
    value text not null,
    primary key (thread_id, key)
);
create index if not exists memory_meta_key on memory_meta (key, value, thread_id);

-- Summaries of exchanges that are no longer sent; the newest one of a thread is in use.
create table if not exists memory_summaries (
    id integer primary key,
    thread_id text not null,
    text text not null,
    first_turn_id text not null,         -- first turn of the first exchange that it covers
    last_turn_id text not null,          -- first turn of the last exchange that it covers
    exchanges integer not null,          -- how many exchanges it covers
    model text,                          -- null if a person wrote it
    input_tokens integer,                -- the server's count for the call that made it
    output_tokens integer,
    duration_ms integer,
    made_utc text not null
);
create index if not exists memory_summaries_thread on memory_summaries (thread_id, id);

-- Additional per-session defaults; null: the default of the package.
alter table memory_sessions add column recall_share real;
alter table memory_sessions add column recall_model text;
alter table memory_sessions add column summary_model text;

-- The full-text index over prompts, replies and tool results, by thread. It catches up when a session is searched or
-- recalled from; plain llm never waits for it. `turns` and `passages` count what is indexed of a thread.
create table if not exists memory_index (
    number integer primary key,          -- stands for the thread in memory_words, as a word in each row
    thread_id text not null unique,
    turns integer not null,
    passages integer not null,
    rules integer not null               -- version of the rules that turned texts into words
);

-- Stretches of about 150 tokens of prompts, replies and tool results. A turn without such text has one empty passage,
-- to mark it as indexed.
create table if not exists memory_passages (
    id integer primary key autoincrement, -- rowid in memory_words; grows with time, never reused
    thread integer not null,             -- memory_index.number
    turn_id text not null,               -- turns.id, or responses.id of an older llm
    side integer not null,               -- 0 prompt, 1 tool results, 2 reply
    part integer not null,               -- position within that text, from 0
    "start" integer not null,            -- the stretch of that text, in characters
    "end" integer not null,
    weight real not null,                -- weight of the stretch for an average tokenizer, in tokens
    message_weight real not null         -- the same for the whole text
);
create index if not exists memory_passages_turn on memory_passages (turn_id);

-- Passages as vectors, if there is an embedding model.
create table if not exists memory_vectors (
    model text not null,                 -- llm's id of the embedding model
    thread integer not null,             -- memory_index.number
    passage_id integer not null,         -- memory_passages.id
    vector blob not null,                -- little-endian 32-bit floats
    primary key (model, thread, passage_id)
) without rowid;

-- Which excerpts of older exchanges were sent with a turn, and why. The texts are fragments of the turn.
create table if not exists memory_recalls (
    turn_id text not null,               -- the turn that they were sent with
    rank integer not null,               -- 1 is the best
    passage_id integer not null,         -- memory_passages.id
    number integer not null,             -- number of the excerpt's exchange, at the time
    side integer not null,               -- 0 prompt, 1 tool results, 2 reply
    score real not null,
    tokens integer not null,             -- of the excerpt with its label
    words_json text not null,            -- the prompt's words that found it, rarest first
    primary key (turn_id, rank)
) without rowid;

-- What a session always sends besides its pins: short notes, kept by the person or by a model.
create table memory_notes (
    id integer primary key,
    thread_id text not null,
    text text not null,
    author text not null,                -- 'you', or the model that kept it
    created_utc text not null
);
create index memory_notes_thread on memory_notes (thread_id, id);

-- Words to find sessions by.
create table memory_tags (
    thread_id text not null,
    tag text not null,                   -- as the person wrote it
    tag_key text not null,               -- the same without case
    primary key (thread_id, tag_key)
);
create index memory_tags_key on memory_tags (tag_key, thread_id);

-- Facts about sessions, by key.
create table memory_meta (
    thread_id text not null,
    key text not null,
    value text not null,
    primary key (thread_id, key)
);
create index memory_meta_key on memory_meta (key, value, thread_id);

-- Summaries of exchanges that are no longer sent; the newest of a thread is the one in use.
create table memory_summaries (
    id integer primary key,
    thread_id text not null,
    text text not null,
    first_turn_id text not null,         -- first turn of the first exchange that it covers
    last_turn_id text not null,          -- first turn of the last exchange that it covers
    exchanges integer not null,          -- how many it covers
    model text,                          -- null where a person wrote it
    input_tokens integer,                -- what making it cost, as the server counted
    output_tokens integer,
    duration_ms integer,
    made_utc text not null
);
create index memory_summaries_thread on memory_summaries (thread_id, id);

-- What more a session remembers for its next prompts; null: the default of the package.
alter table memory_sessions add column recall_share real;
alter table memory_sessions add column recall_model text;
alter table memory_sessions add column summary_model text;

-- The full-text index over prompts, replies and tool results, by thread. It catches up when a session is recalled from or
-- searched; plain llm never waits for it. `turns` and `passages` count what a thread has in it.
create table memory_index (
    number integer primary key,          -- stands for the thread in memory_words, where it is a word in each row
    thread_id text not null unique,
    turns integer not null,
    passages integer not null,
    rules integer not null               -- version of the rules by which texts were made into words
);

-- Stretches of about 150 tokens of what was typed, answered, or returned by tools. A turn without such text has one
-- empty passage, so that it is known to be indexed.
create table memory_passages (
    id integer primary key autoincrement, -- rowid in memory_words; grows with time, and is never given twice
    thread integer not null,             -- memory_index.number
    turn_id text not null,               -- turns.id, or responses.id of an older llm
    side integer not null,               -- 0 what was typed, 1 tool results, 2 the reply
    part integer not null,               -- place within that text, from 0
    "start" integer not null,            -- the stretch of that text, in characters
    "end" integer not null,
    weight real not null,                -- what the stretch weighs for an average tokenizer, in tokens
    message_weight real not null         -- the same of the whole text
);
create index memory_passages_turn on memory_passages (turn_id);

-- The words of passages, without a copy of the text. `thread` restricts a search to one thread within the index. Chinese
-- and Japanese text is given to it as overlapping pairs of characters.
create virtual table memory_words using fts5 (thread, text, content = '', tokenize = 'porter unicode61 remove_diacritics 2');

-- Passages as vectors, for those who have an embedding model.
create table memory_vectors (
    model text not null,                 -- the id that llm knows the embedding model by
    thread integer not null,             -- memory_index.number
    passage_id integer not null,         -- memory_passages.id
    vector blob not null,                -- little-endian 32-bit floats
    primary key (model, thread, passage_id)
) without rowid;

-- Which excerpts of older exchanges were sent with a turn, and why. The texts are fragments of the turn.
create table memory_recalls (
    turn_id text not null,               -- the turn that they were sent with
    rank integer not null,               -- 1 is the best
    passage_id integer not null,         -- memory_passages.id
    number integer not null,             -- of the exchange that the excerpt is from, at the time
    side integer not null,               -- 0 what was typed, 1 tool results, 2 the reply
    score real not null,
    tokens integer not null,             -- of the excerpt with its label
    words_json text not null,            -- the prompt's words that it was found by, rarest first
    primary key (turn_id, rank)
) without rowid;

-- Where imported conversations are from, so that importing again takes only what is new.
create table if not exists memory_origins (
    thread_id text primary key,
    source text not null,                -- the tool that wrote the file, such as 'chatgpt'
    key text not null,                   -- the conversation's id there, or a hash of what it begins with
    file text,                           -- the name of the file that it was read from last, without its folders
    imported_utc text not null           -- when something of it was imported last
);
create index if not exists memory_origins_key on memory_origins (source, key);
-- Whether the person is asked before a secret is sent to a model that is not local; null: the default of the package.
alter table memory_sessions add column guard integer; -- 1: asked
alter table memory_projects add column guard integer;

-- Sessions that were sealed: encrypted into a file, and erased from the log.
create table if not exists memory_sealed (
    thread_id text primary key,
    name text not null,
    file text not null,                  -- the path of the file, when it was written
    sha256 text not null,                -- of the file, by which it is recognised
    exchanges integer not null,
    first_utc text,                      -- its first and its last exchange
    last_utc text,
    sealed_utc text not null
);

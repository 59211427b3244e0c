-- What this log is called on remotes. There is one row at most; it is made when it is first needed, never copied by a merge.
create table if not exists memory_machine (
    id text primary key,                 -- a ULID
    name text not null,                  -- such as the computer's name
    person text not null,                -- whose log it is
    created_utc text not null
);

-- Servers and folders that the same conversations are kept on.
create table if not exists memory_remotes (
    name_key text primary key,
    name text not null,
    address text not null,               -- without a password
    secret text,                         -- the alias of llm's keys that has the password or the whole address
    person text,                         -- who writes there; null: the person of memory_machine
    project text,                        -- null: of any project or none
    exclude_tags_json text not null default '[]',
    schema text,                         -- of PostgreSQL
    redact integer not null default 0,   -- 1: secrets are replaced in what is sent
    options_json text not null default '{}',
    created_utc text not null,
    pushed_utc text,                     -- when the last push and pull ended
    pulled_utc text
) without rowid;

-- Conversations without a name that were pushed or pulled. Those with a name need no row here.
create table if not exists memory_remote_threads (
    remote_key text not null,
    thread_id text not null,
    primary key (remote_key, thread_id)
) without rowid;

-- Sessions that have another name elsewhere, because two had the same name. A session that is renamed loses its row.
create table if not exists memory_shared_names (
    thread_id text primary key,
    name text not null                   -- its name on all other machines
) without rowid;

-- What other people think of an exchange. Our own ratings are in memory_ratings.
create table if not exists memory_other_ratings (
    thread_id text not null,
    turn_id text not null,               -- first turn of the exchange
    person text not null,
    mark text not null check (mark in ('up', 'down', '1', '2', '3', '4', '5')),
    note text not null default '',
    rated_utc text not null,
    primary key (thread_id, turn_id, person)
) without rowid;

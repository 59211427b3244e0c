-- The index of a folder: where each line is, and what it is asked by. It has no text of any message. It is made again
-- from the folder whenever it does not fit it. Keys are written as in plain_texts.py.
create table about (
    version integer not null,
    folder text not null                 -- the id of the folder that it is of
);
create table records (
    name text primary key,               -- of the records that are in the folder and were read
    after_json text not null,            -- the records that this write had seen
    replaced integer not null            -- 1: another record contains it, so that it is not read
) without rowid;
create table parts (
    id integer primary key,
    name text not null unique,
    class text not null default '',      -- calls, content, digests, graves or threads
    size integer not null default 0,     -- in bytes
    sha256 text not null default '',
    added integer not null default 0,    -- 1: a record says that it counts
    dropped text                         -- the day on which it was dropped; null: it was not
);
create table lines (
    id integer primary key,
    part integer not null references parts (id),
    start integer not null,              -- where the line begins in the part, in bytes
    length integer not null,
    number integer not null,             -- which write put it
    token text not null,
    wins integer not null,               -- 1: it is the newest of its kind and key, and was not removed
    kind text not null,                  -- of the document, or `digest`
    key text not null,
    thread_id text not null,
    bucket text not null,
    stamp integer not null,              -- of the document; or the digest's value
    place integer not null,              -- or the digest's amount
    machine text not null,
    person text not null,
    about_json text                      -- of a thread: name, project and tags; of a call: when it was
);
create index lines_key on lines (kind, key);
create index lines_thread on lines (thread_id) where wins and kind <> 'digest';
create index lines_bucket on lines (kind, bucket) where wins;
create index lines_part on lines (part);
create index lines_lost on lines (part) where not wins;
create table refs (
    ref text not null,
    line integer not null,
    primary key (ref, line)
) without rowid;
create index refs_line on refs (line);
create table removed (
    kind text not null,
    key text not null,
    number integer not null,             -- which write removed it
    token text not null,
    day text not null,
    primary key (kind, key)
) without rowid;
create table touched (                   -- empty between two writes: the keys for which wins is to be found again
    kind text not null,
    key text not null,
    primary key (kind, key)
) without rowid;

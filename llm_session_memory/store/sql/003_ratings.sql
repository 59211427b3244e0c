-- A person's rating of an exchange: thumbs or stars, and why. Never sent to a model.
create table if not exists memory_ratings (
    thread_id text not null,
    turn_id text not null,               -- first turn of the exchange
    mark text not null check (mark in ('up', 'down', '1', '2', '3', '4', '5')),
    note text not null default '',
    rated_utc text not null,
    primary key (thread_id, turn_id)
);

-- Exchanges with a label, to find them again: the chapters of a replay.
create table if not exists memory_bookmarks (
    thread_id text not null,
    turn_id text not null,               -- first turn of the exchange
    label text not null,
    created_utc text not null,
    primary key (thread_id, turn_id)
);

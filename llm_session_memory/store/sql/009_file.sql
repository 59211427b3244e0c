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


-- Conversations that went on in two logs before these were merged. The branch that began first kept the thread; each
-- other one is a fork (see memory_forks) with a thread of its own, whose id depends only on its first turn.
create table if not exists memory_branches (
    thread_id text primary key,          -- the thread of a branch that did not keep the thread
    root_id text not null,               -- the thread that it was set apart from
    turn_id text not null,               -- first turn of the branch
    kept_turn_id text not null           -- first turn of the branch that kept the thread
);
create index if not exists memory_branches_root on memory_branches (root_id);

-- When a person's row was changed or removed, for the rows that don't say it themselves, so that a merge takes the
-- newer one. Triggers keep it up to date; it has no texts of notes.
create table if not exists memory_changes (
    kind text not null,                  -- 'session', 'name', 'project', 'tag', 'fact', 'pin', 'note', ...
    thread_id text not null,             -- empty if the row is of no conversation
    key text not null,                   -- a turn, a tag, a fact's key, a snapshot's label, a note's time and length; or empty
    changed_utc text not null,
    removed integer not null,            -- 1: the row was removed then
    primary key (kind, thread_id, key)
) without rowid;

-- Rows that lost to a newer one when logs were merged.
create table if not exists memory_conflicts (
    kind text not null,                  -- as in memory_changes
    thread_id text not null,
    key text not null,
    row_json text not null,              -- the older row, as a JSON object
    changed_utc text not null,           -- when it was changed last; empty if unknown
    merged_utc text not null,            -- when it lost
    primary key (kind, thread_id, key, row_json)
) without rowid;

create trigger if not exists memory_changes_session after update on memory_sessions
when new.thread_id is old.thread_id and new.name is old.name begin
    insert into memory_changes
    values ('session', new.thread_id, '', strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 0)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_name after update of name on memory_sessions
when new.thread_id is old.thread_id and new.name is not old.name begin
    insert into memory_changes
    values ('name', new.thread_id, '', strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 0)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_project after update on memory_projects begin
    insert into memory_changes
    values ('project', '', new.name_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 0)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_project after delete on memory_projects begin
    insert into memory_changes
    values ('project', '', old.name_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_tag after insert on memory_tags begin
    insert into memory_changes
    values ('tag', new.thread_id, new.tag_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 0)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_tag after delete on memory_tags begin
    insert into memory_changes
    values ('tag', old.thread_id, old.tag_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_fact after insert on memory_meta begin
    insert into memory_changes
    values ('fact', new.thread_id, new.key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 0)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_fact after delete on memory_meta begin
    insert into memory_changes
    values ('fact', old.thread_id, old.key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_pin after delete on memory_pins begin
    insert into memory_changes
    values ('pin', old.thread_id, old.turn_id, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_note after delete on memory_notes begin
    insert into memory_changes
    values ('note', old.thread_id, old.created_utc || ' ' || length(old.text),
        strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_global_note after delete on memory_global_notes begin
    insert into memory_changes
    values ('note', '', old.created_utc || ' ' || length(old.text), strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_rating after delete on memory_ratings begin
    insert into memory_changes
    values ('rating', old.thread_id, old.turn_id, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_bookmark after delete on memory_bookmarks begin
    insert into memory_changes
    values ('bookmark', old.thread_id, old.turn_id, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_undo after delete on memory_undone begin
    insert into memory_changes
    values ('undo', old.thread_id, old.turn_id, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_snapshot after delete on memory_snapshots begin
    insert into memory_changes
    values ('snapshot', old.thread_id, old.label_key, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;
create trigger if not exists memory_changes_no_summary after delete on memory_summaries begin
    insert into memory_changes
    values ('summary', old.thread_id, old.made_utc, strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'), 1)
    on conflict (kind, thread_id, key) do update set changed_utc = excluded.changed_utc, removed = excluded.removed;
end;

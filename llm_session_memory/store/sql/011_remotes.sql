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

-- Who changed a row, and on which machine, as memory_machine had it then; null: not known.
alter table memory_changes add column machine text;
alter table memory_changes add column person text;
alter table memory_conflicts add column machine text; -- of the row that lost
alter table memory_conflicts add column person text;

-- The triggers below write here, and the trigger of this view records the change. A row's time never goes backwards:
-- a change is later than all that its log has seen of the row, even if its machine's clock is slow. So it wins over
-- these changes on all machines. While logs are merged, nothing is recorded (see store/changes.py). What is no time, or
-- the last one that there is, was made up elsewhere: a longer text is later.
create view if not exists memory_changing as
select kind, thread_id, key, changed_utc as seen_utc, removed from memory_changes;
drop trigger if exists memory_changes_recorded;
create trigger if not exists memory_changes_recorded instead of insert on memory_changing
when not exists (select 1 from memory_log_settings where key = 'changes.merging') begin
    insert into memory_changes (kind, thread_id, key, changed_utc, removed, machine, person)
    values (
        new.kind, new.thread_id, new.key,
        max(
            strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now'),
            coalesce(strftime('%Y-%m-%dT%H:%M:%f+00:00', new.seen_utc, '+0.001 seconds'), new.seen_utc || '0', '')
        ),
        new.removed, (select name from memory_machine), (select person from memory_machine)
    )
    on conflict (kind, thread_id, key) do update set
        changed_utc = max(
            excluded.changed_utc,
            coalesce(strftime('%Y-%m-%dT%H:%M:%f+00:00', changed_utc, '+0.001 seconds'), changed_utc || '0')
        ),
        removed = excluded.removed, machine = excluded.machine, person = excluded.person;
end;

-- Settings and names.
drop trigger if exists memory_changes_session;
create trigger if not exists memory_changes_session after update on memory_sessions
when new.thread_id is old.thread_id and new.name is old.name begin
    insert into memory_changing values ('session', new.thread_id, '', '', 0);
end;
drop trigger if exists memory_changes_name;
create trigger if not exists memory_changes_name after update of name on memory_sessions
when new.thread_id is old.thread_id and new.name is not old.name begin
    insert into memory_changing values ('name', new.thread_id, '', '', 0);
end;
drop trigger if exists memory_changes_new_project;
create trigger if not exists memory_changes_new_project after insert on memory_projects begin
    insert into memory_changing values ('project', '', new.name_key, '', 0);
end;
drop trigger if exists memory_changes_project;
create trigger if not exists memory_changes_project after update on memory_projects begin
    insert into memory_changing values ('project', '', new.name_key, '', 0);
end;
drop trigger if exists memory_changes_renamed_project;
create trigger if not exists memory_changes_renamed_project after update of name_key on memory_projects
when new.name_key is not old.name_key begin
    insert into memory_changing values ('project', '', old.name_key, '', 1);
end;
drop trigger if exists memory_changes_no_project;
create trigger if not exists memory_changes_no_project after delete on memory_projects begin
    insert into memory_changing values ('project', '', old.name_key, '', 1);
end;

-- Rows with values.
drop trigger if exists memory_changes_fact;
create trigger if not exists memory_changes_fact after insert on memory_meta begin
    insert into memory_changing values ('fact', new.thread_id, new.key, '', 0);
end;
drop trigger if exists memory_changes_changed_fact;
create trigger if not exists memory_changes_changed_fact after update of value on memory_meta begin
    insert into memory_changing values ('fact', new.thread_id, new.key, '', 0);
end;
drop trigger if exists memory_changes_no_fact;
create trigger if not exists memory_changes_no_fact after delete on memory_meta begin
    insert into memory_changing values ('fact', old.thread_id, old.key, '', 1);
end;
drop trigger if exists memory_changes_rating;
create trigger if not exists memory_changes_rating after insert on memory_ratings begin
    insert into memory_changing values ('rating', new.thread_id, new.turn_id, '', 0);
end;
drop trigger if exists memory_changes_changed_rating;
create trigger if not exists memory_changes_changed_rating after update of mark, note on memory_ratings begin
    insert into memory_changing values ('rating', new.thread_id, new.turn_id, old.rated_utc, 0);
end;
drop trigger if exists memory_changes_no_rating;
create trigger if not exists memory_changes_no_rating after delete on memory_ratings begin
    insert into memory_changing values ('rating', old.thread_id, old.turn_id, old.rated_utc, 1);
end;
drop trigger if exists memory_changes_other_rating;
create trigger if not exists memory_changes_other_rating after insert on memory_other_ratings begin
    insert into memory_changing values ('other rating', new.thread_id, new.turn_id || ' ' || new.person, '', 0);
end;
drop trigger if exists memory_changes_changed_other_rating;
create trigger if not exists memory_changes_changed_other_rating
after update of mark, note on memory_other_ratings begin
    insert into memory_changing
    values ('other rating', new.thread_id, new.turn_id || ' ' || new.person, old.rated_utc, 0);
end;
drop trigger if exists memory_changes_no_other_rating;
create trigger if not exists memory_changes_no_other_rating after delete on memory_other_ratings begin
    insert into memory_changing
    values ('other rating', old.thread_id, old.turn_id || ' ' || old.person, old.rated_utc, 1);
end;
drop trigger if exists memory_changes_bookmark;
create trigger if not exists memory_changes_bookmark after insert on memory_bookmarks begin
    insert into memory_changing values ('bookmark', new.thread_id, new.turn_id, '', 0);
end;
drop trigger if exists memory_changes_changed_bookmark;
create trigger if not exists memory_changes_changed_bookmark after update of label on memory_bookmarks begin
    insert into memory_changing values ('bookmark', new.thread_id, new.turn_id, old.created_utc, 0);
end;
drop trigger if exists memory_changes_no_bookmark;
create trigger if not exists memory_changes_no_bookmark after delete on memory_bookmarks begin
    insert into memory_changing values ('bookmark', old.thread_id, old.turn_id, old.created_utc, 1);
end;
drop trigger if exists memory_changes_snapshot;
create trigger if not exists memory_changes_snapshot after insert on memory_snapshots begin
    insert into memory_changing values ('snapshot', new.thread_id, new.label_key, '', 0);
end;
drop trigger if exists memory_changes_changed_snapshot;
create trigger if not exists memory_changes_changed_snapshot
after update of label, turn_id, state_json on memory_snapshots begin
    insert into memory_changing values ('snapshot', new.thread_id, new.label_key, old.made_utc, 0);
end;
drop trigger if exists memory_changes_no_snapshot;
create trigger if not exists memory_changes_no_snapshot after delete on memory_snapshots begin
    insert into memory_changing values ('snapshot', old.thread_id, old.label_key, old.made_utc, 1);
end;
drop trigger if exists memory_changes_title;
create trigger if not exists memory_changes_title after insert on memory_titles begin
    insert into memory_changing values ('title', new.thread_id, '', '', 0);
end;
drop trigger if exists memory_changes_changed_title;
create trigger if not exists memory_changes_changed_title after update of title, author on memory_titles begin
    insert into memory_changing values ('title', new.thread_id, '', old.made_utc, 0);
end;
drop trigger if exists memory_changes_group;
create trigger if not exists memory_changes_group after insert on memory_groups begin
    insert into memory_changing values ('group', '', new.name_key, '', 0);
end;
drop trigger if exists memory_changes_changed_group;
create trigger if not exists memory_changes_changed_group after update of name on memory_groups begin
    insert into memory_changing values ('group', '', new.name_key, old.created_utc, 0);
end;
drop trigger if exists memory_changes_no_group;
create trigger if not exists memory_changes_no_group after delete on memory_groups begin
    insert into memory_changing values ('group', '', old.name_key, old.created_utc, 1);
end;
drop trigger if exists memory_changes_vote;
create trigger if not exists memory_changes_vote after insert on memory_votes begin
    insert into memory_changing values ('vote', '', new.a_turn_id || ' ' || new.b_turn_id, '', 0);
end;
drop trigger if exists memory_changes_changed_vote;
create trigger if not exists memory_changes_changed_vote after update of better, blind on memory_votes begin
    insert into memory_changing values ('vote', '', new.a_turn_id || ' ' || new.b_turn_id, old.voted_utc, 0);
end;
drop trigger if exists memory_changes_no_vote;
create trigger if not exists memory_changes_no_vote after delete on memory_votes begin
    insert into memory_changing values ('vote', '', old.a_turn_id || ' ' || old.b_turn_id, old.voted_utc, 1);
end;

-- Rows that are only there or not. Adding one is recorded if it was removed before.
drop trigger if exists memory_changes_tag;
create trigger if not exists memory_changes_tag after insert on memory_tags begin
    insert into memory_changing values ('tag', new.thread_id, new.tag_key, '', 0);
end;
drop trigger if exists memory_changes_no_tag;
create trigger if not exists memory_changes_no_tag after delete on memory_tags begin
    insert into memory_changing values ('tag', old.thread_id, old.tag_key, '', 1);
end;
drop trigger if exists memory_changes_pin;
create trigger if not exists memory_changes_pin after insert on memory_pins begin
    insert into memory_changing
    select kind, thread_id, key, '', 0 from memory_changes
    where kind = 'pin' and thread_id = new.thread_id and key = new.turn_id;
end;
drop trigger if exists memory_changes_no_pin;
create trigger if not exists memory_changes_no_pin after delete on memory_pins begin
    insert into memory_changing values ('pin', old.thread_id, old.turn_id, old.pinned_utc, 1);
end;
drop trigger if exists memory_changes_undo;
create trigger if not exists memory_changes_undo after insert on memory_undone begin
    insert into memory_changing
    select kind, thread_id, key, '', 0 from memory_changes
    where kind = 'undo' and thread_id = new.thread_id and key = new.turn_id;
end;
drop trigger if exists memory_changes_no_undo;
create trigger if not exists memory_changes_no_undo after delete on memory_undone begin
    insert into memory_changing values ('undo', old.thread_id, old.turn_id, old.undone_utc, 1);
end;
drop trigger if exists memory_changes_note;
create trigger if not exists memory_changes_note after insert on memory_notes begin
    insert into memory_changing
    select kind, thread_id, key, '', 0 from memory_changes
    where kind = 'note' and thread_id = new.thread_id and key = new.created_utc || ' ' || length(new.text);
end;
drop trigger if exists memory_changes_no_note;
create trigger if not exists memory_changes_no_note after delete on memory_notes begin
    insert into memory_changing
    values ('note', old.thread_id, old.created_utc || ' ' || length(old.text), old.created_utc, 1);
end;
drop trigger if exists memory_changes_global_note;
create trigger if not exists memory_changes_global_note after insert on memory_global_notes begin
    insert into memory_changing
    select kind, thread_id, key, '', 0 from memory_changes
    where kind = 'note' and thread_id = '' and key = new.created_utc || ' ' || length(new.text);
end;
drop trigger if exists memory_changes_no_global_note;
create trigger if not exists memory_changes_no_global_note after delete on memory_global_notes begin
    insert into memory_changing values ('note', '', old.created_utc || ' ' || length(old.text), old.created_utc, 1);
end;
drop trigger if exists memory_changes_summary;
create trigger if not exists memory_changes_summary after insert on memory_summaries begin
    insert into memory_changing
    select kind, thread_id, key, '', 0 from memory_changes
    where kind = 'summary' and thread_id = new.thread_id and key = new.made_utc;
end;
drop trigger if exists memory_changes_no_summary;
create trigger if not exists memory_changes_no_summary after delete on memory_summaries begin
    insert into memory_changing values ('summary', old.thread_id, old.made_utc, old.made_utc, 1);
end;
drop trigger if exists memory_changes_member;
create trigger if not exists memory_changes_member after insert on memory_group_members begin
    insert into memory_changing
    select kind, thread_id, key, '', 0 from memory_changes
    where kind = 'member' and thread_id = new.thread_id and key = new.name_key;
end;
drop trigger if exists memory_changes_no_member;
create trigger if not exists memory_changes_no_member after delete on memory_group_members begin
    insert into memory_changing values ('member', old.thread_id, old.name_key, old.added_utc, 1);
end;

-- The name of a session elsewhere. A merge that renames one says itself what it is called elsewhere.
drop trigger if exists memory_shared_names_renamed;
create trigger if not exists memory_shared_names_renamed after update of name on memory_sessions
when new.name is not old.name and not exists (select 1 from memory_log_settings where key = 'changes.merging') begin
    delete from memory_shared_names where thread_id = old.thread_id;
end;
drop trigger if exists memory_shared_names_gone;
create trigger if not exists memory_shared_names_gone after delete on memory_sessions begin
    delete from memory_shared_names where thread_id = old.thread_id;
end;

-- Rows from before there were these triggers: each one with values gets its own time, from which later changes count
-- on, and what was removed and added again is there.
insert or ignore into memory_changes (kind, thread_id, key, changed_utc, removed)
select 'rating', thread_id, turn_id, rated_utc, 0 from memory_ratings
union all
select 'bookmark', thread_id, turn_id, created_utc, 0 from memory_bookmarks
union all
select 'snapshot', thread_id, label_key, made_utc, 0 from memory_snapshots
union all
select 'title', thread_id, '', made_utc, 0 from memory_titles
union all
select 'group', '', name_key, created_utc, 0 from memory_groups
union all
select 'vote', '', a_turn_id || ' ' || b_turn_id, voted_utc, 0 from memory_votes;
update memory_changes as c set removed = 0
where c.removed and (
    c.kind = 'pin' and exists (select 1 from memory_pins r where r.thread_id = c.thread_id and r.turn_id = c.key)
    or c.kind = 'undo' and exists (select 1 from memory_undone r where r.thread_id = c.thread_id and r.turn_id = c.key)
    or c.kind = 'tag' and exists (select 1 from memory_tags r where r.thread_id = c.thread_id and r.tag_key = c.key)
    or c.kind = 'fact' and exists (select 1 from memory_meta r where r.thread_id = c.thread_id and r.key = c.key)
    or c.kind = 'rating'
    and exists (select 1 from memory_ratings r where r.thread_id = c.thread_id and r.turn_id = c.key)
    or c.kind = 'bookmark'
    and exists (select 1 from memory_bookmarks r where r.thread_id = c.thread_id and r.turn_id = c.key)
    or c.kind = 'snapshot'
    and exists (select 1 from memory_snapshots r where r.thread_id = c.thread_id and r.label_key = c.key)
    or c.kind = 'summary'
    and exists (select 1 from memory_summaries r where r.thread_id = c.thread_id and r.made_utc = c.key)
    or c.kind = 'note' and exists (
        select 1 from memory_notes r
        where r.thread_id = c.thread_id and c.key = r.created_utc || ' ' || length(r.text)
    )
    or c.kind = 'note' and c.thread_id = '' and exists (
        select 1 from memory_global_notes r where c.key = r.created_utc || ' ' || length(r.text)
    )
    or c.kind = 'project' and exists (select 1 from memory_projects r where r.name_key = c.key)
    or c.kind = 'group' and exists (select 1 from memory_groups r where r.name_key = c.key)
    or c.kind = 'member'
    and exists (select 1 from memory_group_members r where r.name_key = c.key and r.thread_id = c.thread_id)
    or c.kind = 'vote' and exists (
        select 1 from memory_votes r
        where r.a_turn_id = substr(c.key, 1, instr(c.key, ' ') - 1) and c.key = r.a_turn_id || ' ' || r.b_turn_id
    )
);

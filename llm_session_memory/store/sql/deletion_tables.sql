-- The working tables of a deletion, in SQLite's temporary database. `batch` says with which batch a row goes.
create temp table all_threads (id text primary key) without rowid; -- all conversations to delete
create temp table batch_threads (id text primary key) without rowid; -- conversations to delete with this batch
create temp table batch_turns (id text primary key) without rowid; -- single turns, likewise
create temp table moved_turns (id text primary key, thread_id text not null) without rowid; -- they stay, for a fork
create temp table kept_fragments (id integer primary key); -- named by templates
create temp table old_calls (id text primary key, thread_id text not null) without rowid; -- responses of the targets
create temp table ends (id text, parent text, tip text); -- of the turns whose chains end near what might go
create temp table worded (id integer primary key, scope text, words text, parts text); -- passages that go
create temp table used (hash text, turn_id text, primary key (hash, turn_id)) without rowid; -- ends of turns' chains
create temp table tips (hash text, thread_id text, primary key (hash, thread_id)) without rowid; -- of conversations
create temp table forked (thread_id text primary key, origin text) without rowid; -- from conversations to delete
create temp table searched (hash text primary key) without rowid; -- messages that `used` was made for
create temp table left_ends (hash text primary key) without rowid; -- of chains that were replaced
create temp table near (hash text primary key) without rowid; -- messages that might go
create temp table kept (hash text primary key) without rowid; -- those of them that stay
create temp table near_fragments (id integer primary key);
create temp table near_attachments (id text primary key) without rowid;
create temp table near_tools (id integer primary key);
create temp table near_instances (id integer primary key);
create temp table near_schemas (id text primary key) without rowid;
create temp table gone_threads (id text primary key, batch integer not null) without rowid;
create temp table gone_turns (id text primary key, batch integer not null) without rowid;
create temp table gone_responses (id text primary key, batch integer not null) without rowid;
create temp table gone_results (id integer primary key, batch integer not null);
create temp table gone_messages (hash text primary key, batch integer not null) without rowid;
create temp table gone_parts (id integer primary key, batch integer not null);
create temp table gone_fragments (id integer primary key, batch integer not null);
create temp table gone_attachments (id text primary key, batch integer not null) without rowid;
create temp table gone_tools (id integer primary key, batch integer not null);
create temp table gone_instances (id integer primary key, batch integer not null);
create temp table gone_schemas (id text primary key, batch integer not null) without rowid;

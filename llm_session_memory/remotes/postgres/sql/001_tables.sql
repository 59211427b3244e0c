-- The documents that are kept, and the tables of a log that their rows are in. SCHEMA stands for the schema's name.
-- Every name that begins with remote_ is ours; everything else is called as in SQLite. Text is compared as there: by its
-- bytes.

create table SCHEMA.remote_version (
    version integer not null,            -- the number of the newest file here that was run
    made_utc timestamptz not null default now()
);

-- One row for each document: the columns of model.remotes.Document.
create table SCHEMA.remote_documents (
    doc bigint primary key,              -- remote_doc in all other tables; grows when a document is replaced
    kind text collate "C" not null,
    key text collate "C" not null,
    thread_id text collate "C" not null, -- empty for content and tombstones
    refs text[] not null,              -- what it refers to, each as 'message 3f...'
    place bigint not null,
    bucket text collate "C" not null,
    stamp bigint not null,
    machine text not null,               -- which machine sent it first
    person text not null,                -- and whose that is, as they say
    added_by name not null default current_user, -- the role that they had here
    added_utc timestamptz not null default now(),
    unique (kind, key)
);
create sequence SCHEMA.remote_documents_doc owned by SCHEMA.remote_documents.doc;
create index on SCHEMA.remote_documents (thread_id) where thread_id <> '';
create index on SCHEMA.remote_documents (bucket) where kind = 'tombstone';
create index on SCHEMA.remote_documents using gin (refs) with (fastupdate = off); -- what was just added is asked for

-- One row for each conversation with a document: what lists show, and what rights by row may depend on.
create table SCHEMA.remote_threads (
    thread_id text collate "C" primary key,
    name text not null default '',       -- its session's name
    project text collate "C",            -- memory_projects.name_key of its session, or null
    project_name text,
    tags text[] not null default '{}',   -- in order
    turns bigint not null default 0,     -- how many calls it has here
    last_utc text collate "C"            -- when the newest of them began
);
create index on SCHEMA.remote_threads (project);

-- By bucket and conversation: how many stamps there are, and all of their values joined by xor.
create table SCHEMA.remote_digests (
    bucket text collate "C" not null,
    thread_id text collate "C" not null, -- empty for tombstones
    amount bigint not null,
    value bigint not null,
    primary key (bucket, thread_id)
);
create index on SCHEMA.remote_digests (thread_id);

-- PostgreSQL 13 has no aggregate for xor.
create aggregate SCHEMA.remote_xor (bigint) (
    sfunc = int8xor, stype = bigint, combinefunc = int8xor, parallel = safe
);

-- Which of some references a document still has, whoever may see that document.
create function SCHEMA.remote_referred (wanted text[]) returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select w from unnest(wanted) w
    where exists (select 1 from SCHEMA.remote_documents d where d.refs @> array[w])
$$;

-- -- the tables of a log -----------------------------------------------------------
-- remote_doc and remote_row: the row's document, and its place in it. remote_odd: JSON, for what PostgreSQL can't hold.

create table SCHEMA.schemas (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    content text collate "C"
);
create index on SCHEMA.schemas (remote_doc);
create index on SCHEMA.schemas (id);

create table SCHEMA.attachments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    type text collate "C",
    path text collate "C",
    url text collate "C",
    content bytea
);
create index on SCHEMA.attachments (remote_doc);
create index on SCHEMA.attachments (id);

create table SCHEMA.fragments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    hash text collate "C",
    content text collate "C",
    datetime_utc text collate "C",
    source text collate "C"
);
create index on SCHEMA.fragments (remote_doc);
create index on SCHEMA.fragments (id);
create index on SCHEMA.fragments (hash);

create table SCHEMA.tools (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    hash text collate "C",
    name text collate "C",
    description text collate "C",
    input_schema text collate "C",
    plugin text collate "C"
);
create index on SCHEMA.tools (remote_doc);
create index on SCHEMA.tools (id);

create table SCHEMA.tool_instances (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    plugin text collate "C",
    name text collate "C",
    arguments text collate "C"
);
create index on SCHEMA.tool_instances (remote_doc);
create index on SCHEMA.tool_instances (id);

create table SCHEMA.messages (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    hash text collate "C",
    parent_hash text collate "C",
    role text collate "C",
    provider_metadata text collate "C"
);
create index on SCHEMA.messages (remote_doc);
create index on SCHEMA.messages (hash);

create table SCHEMA.parts (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    message_hash text collate "C",
    position bigint,
    type text collate "C",
    tool_name text collate "C",
    text text collate "C",
    payload text collate "C"
);
create index on SCHEMA.parts (remote_doc);
create index on SCHEMA.parts (message_hash, position);
create index on SCHEMA.parts (id);

create table SCHEMA.part_attachments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    part_id bigint,
    attachment_id text collate "C",
    "order" bigint
);
create index on SCHEMA.part_attachments (remote_doc);
create index on SCHEMA.part_attachments (part_id);

create table SCHEMA.part_fragments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    part_id bigint,
    fragment_id bigint,
    "order" bigint
);
create index on SCHEMA.part_fragments (remote_doc);
create index on SCHEMA.part_fragments (part_id);

create table SCHEMA.responses (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    model text collate "C",
    prompt text collate "C",
    system text collate "C",
    prompt_json text collate "C",
    options_json text collate "C",
    response text collate "C",
    response_json text collate "C",
    conversation_id text collate "C",
    duration_ms bigint,
    datetime_utc text collate "C",
    input_tokens bigint,
    output_tokens bigint,
    token_details text collate "C",
    schema_id text collate "C",
    resolved_model text collate "C",
    reasoning text collate "C"
);
create index on SCHEMA.responses (remote_doc);
create index on SCHEMA.responses (id);
create index on SCHEMA.responses (conversation_id, id);

create table SCHEMA.prompt_attachments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    response_id text collate "C",
    attachment_id text collate "C",
    "order" bigint
);
create index on SCHEMA.prompt_attachments (remote_doc);
create index on SCHEMA.prompt_attachments (response_id);

create table SCHEMA.prompt_fragments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    response_id text collate "C",
    fragment_id bigint,
    "order" bigint
);
create index on SCHEMA.prompt_fragments (remote_doc);
create index on SCHEMA.prompt_fragments (response_id);

create table SCHEMA.system_fragments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    response_id text collate "C",
    fragment_id bigint,
    "order" bigint
);
create index on SCHEMA.system_fragments (remote_doc);
create index on SCHEMA.system_fragments (response_id);

create table SCHEMA.tool_responses (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    tool_id bigint,
    response_id text collate "C"
);
create index on SCHEMA.tool_responses (remote_doc);
create index on SCHEMA.tool_responses (response_id);

create table SCHEMA.tool_calls (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    response_id text collate "C",
    tool_id bigint,
    name text collate "C",
    arguments text collate "C",
    tool_call_id text collate "C"
);
create index on SCHEMA.tool_calls (remote_doc);
create index on SCHEMA.tool_calls (response_id);

create table SCHEMA.tool_results (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    response_id text collate "C",
    tool_id bigint,
    name text collate "C",
    output text collate "C",
    tool_call_id text collate "C",
    instance_id bigint,
    exception text collate "C"
);
create index on SCHEMA.tool_results (remote_doc);
create index on SCHEMA.tool_results (response_id);
create index on SCHEMA.tool_results (id);

create table SCHEMA.tool_results_attachments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    tool_result_id bigint,
    attachment_id text collate "C",
    "order" bigint
);
create index on SCHEMA.tool_results_attachments (remote_doc);
create index on SCHEMA.tool_results_attachments (tool_result_id);

create table SCHEMA.memory_contexts (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    thread_id text collate "C",
    block_id bigint,
    exchange_turn_id text collate "C",
    number bigint,
    after_turn_id text collate "C",
    base double precision,
    estimate bigint,
    cut text collate "C"
);
create index on SCHEMA.memory_contexts (remote_doc);
create index on SCHEMA.memory_contexts (turn_id);
create index on SCHEMA.memory_contexts (thread_id, turn_id);
create index on SCHEMA.memory_contexts (block_id);

create table SCHEMA.memory_originals (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    messages_json text collate "C"
);
create index on SCHEMA.memory_originals (remote_doc);
create index on SCHEMA.memory_originals (turn_id);

create table SCHEMA.memory_recalls (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    rank bigint,
    passage_id bigint,
    number bigint,
    side bigint,
    score double precision,
    tokens bigint,
    words_json text collate "C",
    thread_id text collate "C"
);
create index on SCHEMA.memory_recalls (remote_doc);
create index on SCHEMA.memory_recalls (turn_id);
create index on SCHEMA.memory_recalls (thread_id);

create table SCHEMA.memory_changed (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    changed_utc text collate "C"
);
create index on SCHEMA.memory_changed (remote_doc);
create index on SCHEMA.memory_changed (turn_id);

create table SCHEMA.turns (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    thread_id text collate "C",
    parent_message_hash text collate "C",
    tip_message_hash text collate "C",
    model text collate "C",
    resolved_model text collate "C",
    options_json text collate "C",
    schema_id text collate "C",
    input_tokens bigint,
    output_tokens bigint,
    token_details text collate "C",
    duration_ms bigint,
    datetime_utc text collate "C",
    response_json text collate "C"
);
create index on SCHEMA.turns (remote_doc);
create index on SCHEMA.turns (id);
create index on SCHEMA.turns (thread_id, id);

create table SCHEMA.turn_fragments (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    fragment_id bigint,
    "order" bigint,
    kind text collate "C"
);
create index on SCHEMA.turn_fragments (remote_doc);
create index on SCHEMA.turn_fragments (turn_id);

create table SCHEMA.turn_tools (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    tool_id bigint,
    instance_id bigint
);
create index on SCHEMA.turn_tools (remote_doc);
create index on SCHEMA.turn_tools (turn_id);

create table SCHEMA.tool_instantiations (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    turn_id text collate "C",
    tool_call_id text collate "C",
    instance_id bigint
);
create index on SCHEMA.tool_instantiations (remote_doc);
create index on SCHEMA.tool_instantiations (turn_id);

create table SCHEMA.turn_search (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    turn_id text collate "C",
    prompt text collate "C",
    response text collate "C"
);
create index on SCHEMA.turn_search (remote_doc);
create index on SCHEMA.turn_search (turn_id);

create table SCHEMA.threads (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    name text collate "C",
    tip_message_hash text collate "C",
    forked_from text collate "C",
    datetime_utc text collate "C"
);
create index on SCHEMA.threads (remote_doc);
create index on SCHEMA.threads (id);

create table SCHEMA.conversations (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    name text collate "C",
    model text collate "C"
);
create index on SCHEMA.conversations (remote_doc);
create index on SCHEMA.conversations (id);

create table SCHEMA.memory_sessions (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    name text collate "C",
    name_key text collate "C",
    created_utc text collate "C",
    model text collate "C",
    system text collate "C",
    options_json text collate "C",
    max_context_tokens bigint,
    memory text collate "C",
    recall_share double precision,
    recall_model text collate "C",
    summary_model text collate "C",
    think text collate "C",
    project text collate "C",
    template text collate "C",
    archived_utc text collate "C",
    budget_usd double precision,
    private bigint,
    recall_from text collate "C",
    recall_fragments bigint,
    global_notes bigint,
    guard bigint
);
create index on SCHEMA.memory_sessions (remote_doc);
create index on SCHEMA.memory_sessions (thread_id);
create index on SCHEMA.memory_sessions (name_key);

create table SCHEMA.remote_memory_projects (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    name_key text collate "C",
    name text collate "C",
    created_utc text collate "C",
    model text collate "C",
    system text collate "C",
    options_json text collate "C",
    max_context_tokens bigint,
    memory text collate "C",
    recall_share double precision,
    recall_model text collate "C",
    summary_model text collate "C",
    think text collate "C",
    budget_usd double precision,
    retention_days bigint,
    auto_title bigint,
    title_model text collate "C",
    recall_from text collate "C",
    recall_fragments bigint,
    global_notes bigint,
    guard bigint
);
create index on SCHEMA.remote_memory_projects (remote_doc);

create table SCHEMA.memory_blocks (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    thread_id text collate "C",
    start_turn_id text collate "C",
    start_number bigint,
    pinned_json text collate "C",
    policy text collate "C",
    budget bigint,
    "window" bigint,
    window_source text collate "C",
    front text collate "C",
    clip bigint,
    oversized bigint,
    reason text collate "C",
    began_utc text collate "C"
);
create index on SCHEMA.memory_blocks (remote_doc);
create index on SCHEMA.memory_blocks (id);
create index on SCHEMA.memory_blocks (thread_id, id);

create table SCHEMA.memory_pins (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    turn_id text collate "C",
    pinned_utc text collate "C"
);
create index on SCHEMA.memory_pins (remote_doc);
create index on SCHEMA.memory_pins (turn_id);

create table SCHEMA.memory_attempts (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id text collate "C",
    thread_id text collate "C",
    model text collate "C",
    prompt text collate "C",
    error text collate "C",
    partial text collate "C",
    datetime_utc text collate "C",
    duration_ms bigint,
    request_json text collate "C",
    answered_by text collate "C"
);
create index on SCHEMA.memory_attempts (remote_doc);
create index on SCHEMA.memory_attempts (thread_id, id);

create table SCHEMA.memory_notes (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    thread_id text collate "C",
    text text collate "C",
    author text collate "C",
    created_utc text collate "C"
);
create index on SCHEMA.memory_notes (remote_doc);
create index on SCHEMA.memory_notes (thread_id);

create table SCHEMA.memory_tags (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    tag text collate "C",
    tag_key text collate "C"
);
create index on SCHEMA.memory_tags (remote_doc);
create index on SCHEMA.memory_tags (thread_id);
create index on SCHEMA.memory_tags (tag_key);

create table SCHEMA.memory_meta (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    key text collate "C",
    value text collate "C"
);
create index on SCHEMA.memory_meta (remote_doc);
create index on SCHEMA.memory_meta (thread_id);

create table SCHEMA.memory_summaries (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    thread_id text collate "C",
    text text collate "C",
    first_turn_id text collate "C",
    last_turn_id text collate "C",
    exchanges bigint,
    model text collate "C",
    input_tokens bigint,
    output_tokens bigint,
    duration_ms bigint,
    made_utc text collate "C",
    last_number bigint
);
create index on SCHEMA.memory_summaries (remote_doc);
create index on SCHEMA.memory_summaries (thread_id);

create table SCHEMA.memory_ratings (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    turn_id text collate "C",
    mark text collate "C",
    note text collate "C",
    rated_utc text collate "C",
    person text collate "C"
);
create index on SCHEMA.memory_ratings (remote_doc);
create index on SCHEMA.memory_ratings (turn_id);

create table SCHEMA.memory_bookmarks (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    turn_id text collate "C",
    label text collate "C",
    created_utc text collate "C"
);
create index on SCHEMA.memory_bookmarks (remote_doc);
create index on SCHEMA.memory_bookmarks (turn_id);

create table SCHEMA.memory_forks (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    from_thread_id text collate "C",
    at_turn_id text collate "C",
    forked_utc text collate "C"
);
create index on SCHEMA.memory_forks (remote_doc);
create index on SCHEMA.memory_forks (thread_id);
create index on SCHEMA.memory_forks (from_thread_id);

create table SCHEMA.memory_branches (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    root_id text collate "C",
    turn_id text collate "C",
    kept_turn_id text collate "C"
);
create index on SCHEMA.memory_branches (remote_doc);
create index on SCHEMA.memory_branches (thread_id);
create index on SCHEMA.memory_branches (root_id);

create table SCHEMA.memory_origins (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    source text collate "C",
    key text collate "C",
    file text collate "C",
    imported_utc text collate "C"
);
create index on SCHEMA.memory_origins (remote_doc);
create index on SCHEMA.memory_origins (thread_id);

create table SCHEMA.memory_undone (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    turn_id text collate "C",
    undone_utc text collate "C"
);
create index on SCHEMA.memory_undone (remote_doc);
create index on SCHEMA.memory_undone (turn_id);

create table SCHEMA.memory_snapshots (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    id bigint,
    thread_id text collate "C",
    label text collate "C",
    label_key text collate "C",
    turn_id text collate "C",
    state_json text collate "C",
    made_utc text collate "C"
);
create index on SCHEMA.memory_snapshots (remote_doc);
create index on SCHEMA.memory_snapshots (turn_id);

create table SCHEMA.memory_titles (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    thread_id text collate "C",
    title text collate "C",
    author text collate "C",
    input_tokens bigint,
    output_tokens bigint,
    duration_ms bigint,
    spent_usd double precision,
    made_utc text collate "C"
);
create index on SCHEMA.memory_titles (remote_doc);
create index on SCHEMA.memory_titles (thread_id);

create table SCHEMA.remote_memory_changes (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    kind text collate "C",
    thread_id text collate "C",
    key text collate "C",
    changed_utc text collate "C",
    removed bigint,
    machine text collate "C",
    person text collate "C"
);
create index on SCHEMA.remote_memory_changes (remote_doc);

create table SCHEMA.remote_memory_groups (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    name_key text collate "C",
    name text collate "C",
    created_utc text collate "C"
);
create index on SCHEMA.remote_memory_groups (remote_doc);

create table SCHEMA.memory_group_members (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    name_key text collate "C",
    thread_id text collate "C",
    added_utc text collate "C"
);
create index on SCHEMA.memory_group_members (remote_doc);
create index on SCHEMA.memory_group_members (thread_id);
create index on SCHEMA.memory_group_members (name_key);

create table SCHEMA.memory_votes (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    a_turn_id text collate "C",
    b_turn_id text collate "C",
    better text collate "C",
    blind bigint,
    voted_utc text collate "C"
);
create index on SCHEMA.memory_votes (remote_doc);
create index on SCHEMA.memory_votes (a_turn_id);
create index on SCHEMA.memory_votes (b_turn_id);

create table SCHEMA.memory_tombstones (
    remote_doc bigint not null,
    remote_row integer not null,
    remote_odd text,
    kind text collate "C",
    id text collate "C",
    deleted_utc text collate "C"
);
create index on SCHEMA.memory_tombstones (remote_doc);

-- Rows of tables that are not here, because a newer version sent them. remote_odd has the whole row.
create table SCHEMA.remote_more (
    remote_doc bigint not null,
    remote_row integer not null,         -- -1: the document has the table, without rows
    remote_odd text,
    name text not null                   -- of the table
);
create index on SCHEMA.remote_more (remote_doc);

-- Rows that several documents have: once, as it was sent last.
create view SCHEMA.memory_projects as
select distinct on (name_key) * from SCHEMA.remote_memory_projects order by name_key, remote_doc desc;

create view SCHEMA.memory_groups as
select distinct on (name_key) * from SCHEMA.remote_memory_groups order by name_key, remote_doc desc;

create view SCHEMA.memory_changes as
select distinct on (kind, thread_id, key) * from SCHEMA.remote_memory_changes
order by kind, thread_id, key, changed_utc desc;

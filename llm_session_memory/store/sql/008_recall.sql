-- Memory beyond one session. A session's excerpts are never sent in other sessions if it is private.
alter table memory_sessions add column private integer not null default 0; -- 1: private
-- More defaults; null: the default of the package.
alter table memory_sessions add column recall_from text; -- where excerpts may come from: self, all, names, tag:…, project:…
alter table memory_sessions add column recall_fragments integer; -- 0: texts that went with prompts are not recalled
alter table memory_sessions add column global_notes integer; -- 0: the notes for all sessions are not sent
alter table memory_projects add column recall_from text;
alter table memory_projects add column recall_fragments integer;
alter table memory_projects add column global_notes integer;
-- memory_passages.side and memory_recalls.side: 3 is a fragment or text attachment that went with the prompt.
-- The session that an excerpt came from, if it is another one; `number` and `side` are of that session.
alter table memory_recalls add column thread_id text;
create index if not exists memory_recalls_thread on memory_recalls (thread_id) where thread_id is not null;
-- Notes that all sessions send.
create table if not exists memory_global_notes (
    id integer primary key,
    text text not null,
    author text not null,                -- 'you', or the model that kept it
    created_utc text not null
);
-- The server that reported a context window, in words; null: Ollama, through llm-ollama, or an error of any server.
alter table memory_windows add column server text;

-- Permissions for a team on a PostgreSQL remote: an example to adapt.
--
-- Each member has their own role. If a project is in team_projects, only the members named there can read and change
-- its conversations. Everybody can read and change all other conversations, including those without a project.
--
-- First, as a superuser, create the roles:
--
--     create role llm_team nologin;
--     create role anna login password '...' in role llm_team;
--     create role ben login password '...' in role llm_team;
--
-- Then run this file as the owner of the tables, after the first `llm sessions push` has created them:
-- psql -d DATABASE -f team.sql. Run it again after an update that adds tables; until then, members can't use those.
-- The owner must not be a superuser or a member, because no rule applies to an owner.
--
-- Last, name the members of each project:
--
--     insert into llm_sessions.team_projects (project, member) values ('bridge', 'anna');
--
-- Write a project's name as in memory_projects.name_key: in lower case.

begin;
set local search_path = llm_sessions;
set local client_min_messages = warning;

-- -- who may see what ----------------------------------------------------------------

create table if not exists team_projects (
    project text collate "C" not null,   -- memory_projects.name_key
    member name not null,
    primary key (project, member)
);

-- The functions run with the owner's rights, so that members need none on team_projects.
create or replace function team_sees(its_project text, who name) returns boolean
language sql stable security definer set search_path = llm_sessions, pg_temp
as $$
    select its_project is null
        or not exists (select 1 from team_projects where project = its_project)
        or exists (select 1 from team_projects where project = its_project and member = who)
$$;

-- Whether a conversation that the role sees needs some content: by itself, or through a message that it needs.
create or replace function team_needs(ref text, who name) returns boolean
language sql stable security definer set search_path = llm_sessions, pg_temp
as $$
    select exists (
        select 1 from remote_documents d join remote_threads t on t.thread_id = d.thread_id
        where d.refs @> array[ref] and team_sees(t.project, who)
    ) or exists (
        select 1 from remote_documents c
        join remote_documents d on d.refs @> array[c.kind || ' ' || c.key]
        join remote_threads t on t.thread_id = d.thread_id
        where c.refs @> array[ref] and c.thread_id = '' and team_sees(t.project, who)
    )
$$;

-- Whether a role may bury something: a call or conversation that it sees, or that is not there.
create or replace function team_buries(what text, who name) returns boolean
language sql stable security definer set search_path = llm_sessions, pg_temp
as $$
    select not exists (
        select 1 from remote_documents d join remote_threads t on t.thread_id = d.thread_id
        where d.key = substr(what, strpos(what, ' ') + 1) and d.kind in ('turn', 'response', 'thread')
            and not team_sees(t.project, who)
    )
$$;

-- -- what each role may do -----------------------------------------------------------

grant usage on schema llm_sessions to llm_team;
grant select, insert, update, delete on all tables in schema llm_sessions to llm_team;
grant usage on all sequences in schema llm_sessions to llm_team;
revoke all on team_projects from llm_team;
revoke insert, update, delete on remote_version from llm_team;
-- Nobody may change who sent something, or what kind of thing it is.
revoke update on remote_documents from llm_team;
grant update (doc, thread_id, refs, place, bucket, stamp, machine, person) on remote_documents to llm_team;

-- Jobs have no row-level security: a worker takes any waiting item, and each item has its prompt. So members can't use
-- them. To share a batch, use another schema, where everybody who works on it may read all of it.
do $$
declare
    its_name text;
begin
    foreach its_name in array array['remote_jobs', 'remote_items', 'remote_queues', 'remote_workers'] loop
        if to_regclass(its_name) is not null then
            execute format('revoke all on %I from llm_team', its_name);
        end if;
    end loop;
end
$$;

alter table remote_threads enable row level security;
drop policy if exists team on remote_threads;
create policy team on remote_threads using (team_sees(project, current_user));

-- Several members may have sent the same content. Its senders see it, because nothing may refer to it yet.
alter table remote_documents enable row level security;
drop policy if exists team on remote_documents;
create policy team on remote_documents using (
    case
        when thread_id <> '' then
            exists (select 1 from remote_threads t where t.thread_id = remote_documents.thread_id)
        when kind = 'tombstone' then true
        else added_by = current_user or team_needs(kind || ' ' || key, current_user)
    end
);
drop policy if exists team_signs on remote_documents;
create policy team_signs on remote_documents as restrictive for insert with check (
    added_by = current_user and (kind <> 'tombstone' or team_buries(key, current_user))
);

alter table remote_digests enable row level security;
drop policy if exists team on remote_digests;
create policy team on remote_digests using (
    thread_id = '' or exists (select 1 from remote_threads t where t.thread_id = remote_digests.thread_id)
);

-- Every other table: a row is seen with its document.
do $$
declare
    its_name text;
begin
    for its_name in
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'llm_sessions'::regnamespace and c.relkind = 'r' and a.attname = 'remote_doc'
    loop
        execute format('alter table %I enable row level security', its_name);
        execute format('drop policy if exists team on %I', its_name);
        execute format(
            'create policy team on %I using (exists (select 1 from remote_documents d where d.doc = remote_doc))',
            its_name
        );
    end loop;
    -- Nor does a conversation that all see say anything about a project that some don't: machines would believe it.
    drop policy if exists team_project on memory_sessions;
    create policy team_project on memory_sessions as restrictive using (true)
        with check (team_sees(project, current_user));
    drop policy if exists team_project on remote_memory_projects;
    create policy team_project on remote_memory_projects as restrictive using (true)
        with check (team_sees(name_key, current_user));
    drop policy if exists team_project on remote_memory_changes;
    create policy team_project on remote_memory_changes as restrictive using (true)
        with check (kind <> 'project' or team_sees(key, current_user));
    -- Views of PostgreSQL 13 and 14 show what their owner may see.
    if current_setting('server_version_num')::integer < 150000 then
        for its_name in select viewname from pg_views where schemaname = 'llm_sessions' loop
            execute format('revoke all on %I from llm_team', its_name);
        end loop;
    end if;
end
$$;

commit;

-- What another log (attached as `other`) has and this one lacks. Of messages, only those that the new turns need, so that
-- text that was deleted or blanked here does not come back with the requests of turns that both logs have.
drop table if exists temp.merge_turns;
create temp table merge_turns (id text primary key) without rowid;
insert into temp.merge_turns select id from other.turns where id not in (select id from main.turns);
drop table if exists temp.merge_responses;
create temp table merge_responses (id text primary key) without rowid;
insert into temp.merge_responses select id from other.responses where id not in (select id from main.responses);
drop table if exists temp.merge_threads;
create temp table merge_threads (id text primary key) without rowid;
insert into temp.merge_threads select id from other.threads where id not in (select id from main.threads);
drop table if exists temp.merge_messages;
create temp table merge_messages (hash text primary key) without rowid;
insert into temp.merge_messages
with recursive up (hash) as (
    select hash
    from (
        select t.parent_message_hash as hash from temp.merge_turns n join other.turns t on t.id = n.id
        union all
        select t.tip_message_hash from temp.merge_turns n join other.turns t on t.id = n.id
        union all
        select t.tip_message_hash from temp.merge_threads n join other.threads t on t.id = n.id
    )
    where hash is not null and hash not in (select hash from main.messages)
    union
    select m.parent_hash
    from up
    join other.messages m on m.hash = up.hash
    where m.parent_hash is not null and not exists (select 1 from main.messages l where l.hash = m.parent_hash)
)
select hash from up;
drop table if exists temp.merge_parts;
create temp table merge_parts (id integer primary key);
insert into temp.merge_parts
select p.id from temp.merge_messages m join other.parts p on p.message_hash = m.hash;
drop table if exists temp.merge_results;
create temp table merge_results (id integer primary key, place integer not null);
insert into temp.merge_results
select id, row_number() over (order by id)
from other.tool_results
where response_id in (select id from temp.merge_responses);
drop table if exists temp.merge_fragments;
create temp table merge_fragments (id integer primary key);
insert into temp.merge_fragments
select f.id
from (
    select fragment_id from other.part_fragments where part_id in (select id from temp.merge_parts)
    union
    select fragment_id from other.turn_fragments where turn_id in (select id from temp.merge_turns)
    union
    select fragment_id from other.prompt_fragments where response_id in (select id from temp.merge_responses)
    union
    select fragment_id from other.system_fragments where response_id in (select id from temp.merge_responses)
    union
    select fragment_id from other.fragment_aliases
) used
join other.fragments f on f.id = used.fragment_id
where f.hash not in (select hash from main.fragments);
drop table if exists temp.merge_attachments;
create temp table merge_attachments (id text primary key) without rowid;
insert into temp.merge_attachments
select a.id
from (
    select attachment_id from other.part_attachments where part_id in (select id from temp.merge_parts)
    union
    select attachment_id from other.prompt_attachments where response_id in (select id from temp.merge_responses)
    union
    select attachment_id from other.tool_results_attachments
    where tool_result_id in (select id from temp.merge_results)
) used
join other.attachments a on a.id = used.attachment_id
where a.id not in (select id from main.attachments);
drop table if exists temp.merge_schemas;
create temp table merge_schemas (id text primary key) without rowid;
insert into temp.merge_schemas
select s.id
from (
    select schema_id from other.turns where id in (select id from temp.merge_turns)
    union
    select schema_id from other.responses where id in (select id from temp.merge_responses)
) used
join other.schemas s on s.id = used.schema_id
where s.id not in (select id from main.schemas);
drop table if exists temp.merge_tools;
create temp table merge_tools (id integer primary key);
insert into temp.merge_tools
select t.id
from (
    select tool_id from other.turn_tools where turn_id in (select id from temp.merge_turns)
    union
    select tool_id from other.tool_responses where response_id in (select id from temp.merge_responses)
    union
    select tool_id from other.tool_calls where response_id in (select id from temp.merge_responses)
    union
    select tool_id from other.tool_results where id in (select id from temp.merge_results)
) used
join other.tools t on t.id = used.tool_id
where t.hash not in (select hash from main.tools);
drop table if exists temp.merge_instances;
create temp table merge_instances (id integer primary key);
insert into temp.merge_instances
select min(i.id)
from (
    select instance_id from other.turn_tools where turn_id in (select id from temp.merge_turns)
    union
    select instance_id from other.tool_instantiations where turn_id in (select id from temp.merge_turns)
    union
    select instance_id from other.tool_results where id in (select id from temp.merge_results)
) used
join other.tool_instances i on i.id = used.instance_id
where not exists (
    select 1 from main.tool_instances l
    where l.plugin is i.plugin and l.name is i.name and l.arguments is i.arguments
)
group by i.plugin, i.name, i.arguments

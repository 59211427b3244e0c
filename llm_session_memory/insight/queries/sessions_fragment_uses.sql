-- title: Uses of a fragment
-- topic: Fragments, schemas, attachments
-- means: The calls that a fragment was sent with, newest first, with session, model and prompt.
-- param fragment: its source, such as notes.txt, or the beginning of its hash
with chosen as (
    select id from fragments where :fragment <> '' and (source = :fragment or substr(hash, 1, length(:fragment)) = lower(:fragment))
),
used as (
    select t.id, t.thread_id, t.model, t.datetime_utc, u.kind
    from turn_fragments u
    join turns t on t.id = u.turn_id
    where u.fragment_id in (select id from chosen)
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, u.kind
    from (
        select fragment_id, response_id, 'prompt' as kind from prompt_fragments
        union all
        select fragment_id, response_id, 'system' from system_fragments
    ) u
    join responses r on r.id = u.response_id
    where u.fragment_id in (select id from chosen) and not exists (select 1 from turns t where t.id = r.id)
)
select
    u.datetime_utc, s.name as session, u.model, u.kind as sent_in, substr(coalesce(q.prompt, r.prompt), 1, 300) as prompt,
    u.id as turn_id, u.thread_id
from used u
left join memory_sessions s on s.thread_id = u.thread_id
left join turn_search q on q.turn_id = u.id
left join responses r on r.id = u.id
order by u.datetime_utc desc, u.id desc, u.kind
limit 500

-- title: Fragments used
-- topic: Fragments, schemas, attachments
-- means: The fragments sent with prompts: how often each one was used, its length, and when it was last used.
with used as (
    select u.fragment_id, u.turn_id as call_id, t.datetime_utc
    from turn_fragments u
    join turns t on t.id = u.turn_id
    union all
    select u.fragment_id, u.response_id, r.datetime_utc
    from prompt_fragments u
    join responses r on r.id = u.response_id
    where u.response_id not in (select id from turns)
    union all
    select u.fragment_id, u.response_id, r.datetime_utc
    from system_fragments u
    join responses r on r.id = u.response_id
    where u.response_id not in (select id from turns)
)
select
    coalesce(f.source, substr(f.hash, 1, 12)) as fragment,
    count(distinct u.call_id) as calls,
    length(f.content) as characters,
    max(u.datetime_utc) as last_used,
    f.id as fragment_id
from used u
join fragments f on f.id = u.fragment_id
group by f.id, f.source, f.hash, f.content
order by calls desc, last_used desc, f.hash

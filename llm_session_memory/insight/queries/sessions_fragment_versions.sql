-- title: Fragments that changed
-- topic: Fragments, schemas, attachments
-- means: The files and URLs that were sent with different contents over time: how many versions, and the first and last call with one of them.
with used as (
    select u.fragment_id, t.id, t.datetime_utc from turn_fragments u join turns t on t.id = u.turn_id
    union
    select u.fragment_id, r.id, r.datetime_utc
    from (select fragment_id, response_id from prompt_fragments union select fragment_id, response_id from system_fragments) u
    join responses r on r.id = u.response_id
)
select
    f.source as fragment, count(distinct f.hash) as versions, count(distinct u.id) as calls,
    min(u.datetime_utc) as first_used, max(u.datetime_utc) as last_used
from used u
join fragments f on f.id = u.fragment_id
where f.source is not null
group by f.source
having count(distinct f.hash) > 1
order by versions desc, fragment

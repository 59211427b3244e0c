-- title: Search in fragments
-- topic: Search
-- means: The fragments sent with prompts that contain a text, ignoring the case of English letters, with the number of calls that used each.
-- param q: the text to find
with used as (
    select u.fragment_id, u.turn_id as call_id from turn_fragments u join turns t on t.id = u.turn_id
    union
    select u.fragment_id, u.response_id
    from (select fragment_id, response_id from prompt_fragments union select fragment_id, response_id from system_fragments) u
    join responses r on r.id = u.response_id
    where not exists (select 1 from turns t where t.id = r.id)
),
counted as (
    select fragment_id, count(distinct call_id) as calls, max(call_id) as newest from used group by fragment_id
)
select
    coalesce(f.source, substr(f.hash, 1, 12)) as fragment,
    substr(f.content, max(instr(lower(f.content), lower(:q)) - 100, 1), 300) as content,
    length(f.content) as characters,
    u.calls,
    u.newest as turn_id
from counted u
join fragments f on f.id = u.fragment_id
where :q <> '' and instr(lower(f.content), lower(:q)) > 0
order by u.calls desc, characters desc, f.hash
limit 200

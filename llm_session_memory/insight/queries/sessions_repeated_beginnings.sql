-- title: Prompts that begin alike
-- topic: Search
-- means: Different prompts that begin with the same 40 characters, among the newest 100,000: what you type again and again could be a template.
-- param least: the fewest different prompts; empty for 2
with typed as (
    select trim(q.prompt, char(10) || ' ') as prompt, q.turn_id as id
    from (select prompt, turn_id from turn_search order by turn_id desc limit 100000) q
    union all
    select r.prompt, r.id
    from (select id, prompt from responses order by id desc limit 100000) r
    where not exists (select 1 from turns t where t.id = r.id)
)
select
    substr(prompt, 1, 40) as beginning,
    count(distinct prompt) as prompts,
    count(*) as times,
    max(id) as turn_id
from typed
where length(prompt) > 40
group by substr(prompt, 1, 40)
having count(distinct prompt) >= max(cast(:least as integer), 2)
order by times desc, beginning
limit 100

-- title: Most repeated prompts
-- topic: Search
-- means: Prompts that were typed more than once in the same words, and the newest turn of each.
-- param least: the fewest repeats to show; empty for 2
with typed as (
    select s.prompt, s.turn_id as id from turn_search s where s.prompt <> ''
    union all
    select r.prompt, r.id from responses r where r.prompt <> '' and not exists (select 1 from turns t where t.id = r.id)
),
counted as (
    select prompt, count(*) as times, max(id) as newest
    from typed
    group by prompt
    having count(*) >= max(cast(:least as integer), 2)
    order by times desc, prompt
    limit 100
)
select substr(c.prompt, 1, 300) as prompt, c.times, length(c.prompt) as characters, c.newest as turn_id
from counted c
order by c.times desc, c.prompt

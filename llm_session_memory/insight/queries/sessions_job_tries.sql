-- title: Tries of items
-- topic: Batch
-- means: How often items had to be asked, by model: those that needed one try, more tries, and those that failed in the end.
select
    coalesce(model, 'the job''s model') as model, tries, count(*) as items, sum(state = 'done') as done,
    sum(state = 'failed') as failed
from memory_job_items
where tries > 0
group by model, tries
order by items desc, model, tries

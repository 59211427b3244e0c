-- title: Items asked in several jobs
-- topic: Batch
-- means: The same prompt with the same model and options in more than one job: answers that were paid for again.
select
    i.key, count(distinct i.job_id) as jobs, count(i.turn_id) as answers, min(j.name) as one_job, max(i.turn_id) as turn_id
from memory_job_items i
join memory_jobs j on j.id = i.job_id
where i.kind = 'prompt'
group by i.key
having count(distinct i.job_id) > 1
order by answers desc, jobs desc, i.key
limit 200

-- title: Prompts asked of several models
-- topic: Comparisons
-- means: The same words asked of more than one model, among the newest 100,000 calls, with the models and the average seconds and output tokens of each one's answers.
with newest as (
    select trim(q.prompt, char(10) || ' ') as prompt, t.model, t.id, t.duration_ms, t.output_tokens
    from (select turn_id, prompt from turn_search order by turn_id desc limit 100000) q
    join turns t on t.id = q.turn_id
    where q.prompt <> ''
    union all
    select r.prompt, r.model, r.id, r.duration_ms, r.output_tokens
    from (select id, prompt, model, duration_ms, output_tokens from responses order by id desc limit 100000) r
    where r.prompt <> '' and not exists (select 1 from turns t where t.id = r.id)
),
several as (
    select prompt from newest group by prompt having min(model) <> max(model)
)
select
    substr(n.prompt, 1, 300) as prompt, n.model, count(*) as answers, round(avg(n.duration_ms) / 1000.0, 2) as seconds,
    round(avg(n.output_tokens)) as tokens_out, max(n.id) as turn_id
from newest n
join several s on s.prompt = n.prompt
group by n.prompt, n.model
order by n.prompt, n.model
limit 500

-- title: Words that led to recall
-- topic: Recall
-- means: The words of prompts that found older exchanges, with the prompts and sessions in which they did.
select
    cast(j.value as text) as word, count(distinct r.turn_id) as prompts, count(distinct c.thread_id) as sessions, round(avg(r.score), 2) as mean_score
from memory_recalls r
join memory_contexts c on c.turn_id = r.turn_id,
    json_each(case when json_valid(r.words_json) then r.words_json end) j
group by cast(j.value as text)
order by prompts desc, word
limit 200

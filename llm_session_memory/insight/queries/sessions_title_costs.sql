-- title: Cost of titles
-- topic: Cost and budgets
-- means: The titles of conversations by who wrote them, you or a model, with their tokens and seconds, and the dollars that they and earlier titles of the same conversations cost. They are not counted in the other queries.
-- param days: how many days to look back; empty for all
select
    author,
    count(nullif(title, '')) as titles,
    sum(input_tokens) as tokens_in,
    sum(output_tokens) as tokens_out,
    round(sum(duration_ms) / 1000.0, 1) as seconds,
    round(sum(coalesce(spent_usd, session_cost(author, input_tokens, output_tokens, made_utc))), 4) as dollars,
    max(made_utc) as newest
from memory_titles
where (:days = '' or made_utc >= date('now', '-' || cast(:days as integer) || ' days'))
group by author
order by titles desc, author

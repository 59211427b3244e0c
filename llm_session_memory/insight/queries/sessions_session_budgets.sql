-- title: Budgets of sessions
-- topic: Cost and budgets
-- means: The sessions that have a budget in US dollars: the cost of their calls, what is left, and the percentage spent. The cost of summaries and titles is not included.
with spent as (
    select
        t.thread_id, count(*) as calls,
        sum(session_cost(t.model, t.input_tokens, t.output_tokens, t.datetime_utc)) as dollars
    from turns t
    where t.thread_id in (select thread_id from memory_sessions where budget_usd is not null)
    group by t.thread_id
)
select
    s.name as session, s.budget_usd as budget, round(coalesce(u.dollars, 0), 4) as dollars,
    round(s.budget_usd - coalesce(u.dollars, 0), 4) as dollars_left,
    round(100.0 * coalesce(u.dollars, 0) / nullif(s.budget_usd, 0), 1) as percent_spent,
    coalesce(u.calls, 0) as calls, s.thread_id
from memory_sessions s
left join spent u on u.thread_id = s.thread_id
where s.budget_usd is not null
order by percent_spent desc, s.name_key

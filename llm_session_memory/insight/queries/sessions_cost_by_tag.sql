-- title: Cost by tag
-- topic: Cost and budgets
-- means: The sessions, calls and cost of each tag, in US dollars. A session with two tags counts under both. Calls whose price is unknown are counted, but not priced.
-- param days: how many days to look back; empty for all
with calls as (
    select id, thread_id, model, datetime_utc, duration_ms, input_tokens, output_tokens from turns
    union all
    select r.id, r.conversation_id, r.model, r.datetime_utc, r.duration_ms, r.input_tokens, r.output_tokens
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
),
tagged as (
    select
        g.tag_key, min(g.tag) as tag, count(distinct g.thread_id) as sessions, count(c.id) as calls,
        sum(session_cost(c.model, c.input_tokens, c.output_tokens, c.datetime_utc)) as dollars
    from memory_tags g
    left join calls c on c.thread_id = g.thread_id and (:days = '' or c.datetime_utc >= date('now', '-' || cast(:days as integer) || ' days'))
    group by g.tag_key
)
select tag, sessions, calls, round(dollars, 4) as dollars from tagged order by dollars desc, calls desc, tag

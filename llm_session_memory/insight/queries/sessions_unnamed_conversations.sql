-- title: Conversations worth a name
-- topic: Housekeeping
-- means: The longest conversations without a name, with their titles if they have one. Name one with: llm sessions name ID NAME.
with counts as (
    select thread_id, count(*) as calls, min(id) as first_id, max(datetime_utc) as last_used
    from (
        select id, thread_id, datetime_utc from turns
        union all
        select r.id, r.conversation_id, r.datetime_utc
        from responses r
        where not exists (select 1 from turns t where t.id = r.id)
    ) calls
    where thread_id is not null and thread_id not in (select thread_id from memory_sessions)
    group by thread_id
    order by calls desc, thread_id
    limit 100
)
select
    u.calls, coalesce(nullif(m.title, ''), c.name, h.name) as title, substr(coalesce(q.prompt, r.prompt), 1, 300) as first_prompt,
    u.last_used, u.thread_id
from counts u
left join memory_titles m on m.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
left join turn_search q on q.turn_id = u.first_id
left join responses r on r.id = u.first_id
order by u.calls desc, u.last_used desc, u.thread_id

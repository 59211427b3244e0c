with today as (
    select turn_id, 0 as old, ts_rank(remote_words, :q) as score
    from turn_search
    where remote_words @@ :q
    order by turn_id desc
    limit 20000
),
older as (
    select id as turn_id, 1 as old, ts_rank(remote_words, :q) as score
    from responses r
    where remote_words @@ :q and not exists (select 1 from turns t where t.id = r.id)
    order by id desc
    limit 20000
),
best as (
    select * from today union all select * from older
    order by score desc, old, turn_id desc
    limit 200
)
select
    round(b.score::numeric, 2)::float8 as rank,
    coalesce(m.name, h.name, c.name) as session,
    t.datetime_utc, t.model,
    substr(coalesce(s.prompt, r.prompt), 1, 300) as prompt,
    substr(coalesce(s.response, r.response), 1, 300) as response,
    b.turn_id
from best b
left join turn_search s on b.old = 0 and s.turn_id = b.turn_id
left join turns t on b.old = 0 and t.id = b.turn_id
left join responses r on b.old = 1 and r.id = b.turn_id
left join memory_sessions m on m.thread_id = coalesce(t.thread_id, r.conversation_id)
left join threads h on h.id = t.thread_id
left join conversations c on c.id = r.conversation_id
order by b.score desc, b.old, b.turn_id desc

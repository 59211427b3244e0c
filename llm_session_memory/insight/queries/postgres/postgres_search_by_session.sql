with hits as (
    (
        select t.id, t.thread_id, t.datetime_utc
        from turn_search s
        join turns t on t.id = s.turn_id
        where s.remote_words @@ :q
        order by t.id desc
        limit 20000
    )
    union all
    (
        select r.id, r.conversation_id, r.datetime_utc
        from responses r
        where r.remote_words @@ :q and not exists (select 1 from turns t where t.id = r.id)
        order by r.id desc
        limit 20000
    )
),
summed as (
    select thread_id, count(*) as calls, min(datetime_utc) as first_utc, max(datetime_utc) as last_utc, max(id) as newest
    from hits
    group by thread_id
    order by calls desc, last_utc desc nulls last, thread_id nulls first
    limit 200
)
select
    coalesce(s.name, c.name, h.name) as session, u.calls, u.first_utc as first_mention, u.last_utc as last_mention,
    u.newest as turn_id, u.thread_id
from summed u
left join memory_sessions s on s.thread_id = u.thread_id
left join threads h on h.id = u.thread_id
left join conversations c on c.id = u.thread_id
order by u.calls desc, u.last_utc desc nulls last, u.thread_id nulls first

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
)
select
    substr(datetime_utc, 1, 7) as month,
    count(*) as calls,
    count(distinct thread_id) as conversations
from hits
group by substr(datetime_utc, 1, 7)
order by month desc nulls last

-- title: Exchanges per session
-- topic: Conversations
-- means: The number of exchanges per conversation: mean, median, 90th percentile and longest, for named sessions and for unnamed conversations. An exchange is a prompt and every call up to its final reply.
with
continuing as (
    select o.turn_id as id
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join messages m on m.hash = t.parent_message_hash and m.role = 'tool'
    union
    select response_id from tool_results where response_id is not null
),
counted as (
    select thread_id, count(*) as exchanges
    from (
        select id, thread_id from turns
        union all
        select r.id, r.conversation_id from responses r where not exists (select 1 from turns t where t.id = r.id)
    ) calls
    where id not in (select id from continuing)
    group by thread_id
),
ranked as (
    select
        case when s.thread_id is null then 'unnamed conversations' else 'named sessions' end as kind,
        c.exchanges,
        row_number() over (partition by s.thread_id is null order by c.exchanges) as place,
        count(*) over (partition by s.thread_id is null) as total
    from counted c
    left join memory_sessions s on s.thread_id = c.thread_id
)
select
    kind,
    max(total) as conversations,
    round(avg(exchanges), 1) as mean,
    min(case when place >= total * 0.5 then exchanges end) as median,
    min(case when place >= total * 0.9 then exchanges end) as p90,
    max(exchanges) as longest
from ranked
group by kind
order by kind

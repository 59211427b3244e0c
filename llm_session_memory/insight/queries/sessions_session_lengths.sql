-- title: Session lengths
-- topic: Conversations
-- means: How many named sessions and unnamed conversations there are of each length, in exchanges. An exchange is a prompt and every call up to its final reply.
with
continuing as (
    select o.turn_id as id
    from (select distinct turn_id from turn_tools) o
    join turns t on t.id = o.turn_id
    join messages m on m.hash = t.parent_message_hash and m.role = 'tool'
    union
    select response_id from tool_results where response_id is not null
),
counts as (
    select thread_id, count(*) as calls from turns group by thread_id
    union all
    select r.conversation_id, count(*)
    from responses r
    where not exists (select 1 from turns t where t.id = r.id)
    group by r.conversation_id
    union all -- minus the calls that continue an exchange
    select thread_id, -count(*) from turns where id in (select id from continuing) group by thread_id
    union all
    select r.conversation_id, -count(*)
    from responses r
    where r.id in (select id from continuing) and not exists (select 1 from turns t where t.id = r.id)
    group by r.conversation_id
),
counted as (
    select thread_id, sum(calls) as exchanges from counts group by thread_id
),
sizes (least, most, exchanges) as (
    values (1, 1, '1'), (2, 2, '2'), (3, 5, '3 to 5'), (6, 10, '6 to 10'), (11, 20, '11 to 20'), (21, 50, '21 to 50'),
        (51, 100, '51 to 100'), (101, 1000, '101 to 1,000'), (1001, 1000000000, 'more than 1,000')
)
select
    z.exchanges,
    count(c.thread_id) filter (where s.thread_id is not null) as named_sessions,
    count(c.thread_id) filter (where s.thread_id is null) as unnamed_conversations
from sizes z
left join counted c on c.exchanges between z.least and z.most
left join memory_sessions s on s.thread_id = c.thread_id
group by z.least, z.exchanges
order by z.least

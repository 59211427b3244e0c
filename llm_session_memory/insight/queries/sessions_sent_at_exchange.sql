-- title: Messages sent at an exchange
-- topic: Pruning
-- means: The messages of the first request of an exchange, in order, as they were logged. An imported exchange has only its own, whatever was sent. A long request doesn't fit on one page of results: add a LIMIT to narrow it.
-- param session: name or id of the session
-- param exchange: number of the exchange
with recursive
chosen as (
    select t.id, t.parent_message_hash
    from turns t
    left join memory_contexts c on c.turn_id = t.id
    left join messages m on c.turn_id is null and m.hash = t.parent_message_hash
    where t.thread_id = coalesce((
        select thread_id from memory_sessions
        where name = :session or name_key = session_key(:session) order by name = :session desc limit 1
    ), :session)
      and case when c.turn_id is not null then c.exchange_turn_id = t.id else m.role is not 'tool' end
    order by t.id
    limit 1 offset max(cast(:exchange as integer) - 1, 0)
),
chain (hash, depth) as (
    select parent_message_hash, 0 from chosen
    union all
    select m.parent_hash, c.depth + 1
    from chain c
    join messages m on m.hash = c.hash
    where m.parent_hash is not null
)
select
    row_number() over (order by c.depth desc, p.position) as place,
    m.role,
    p.type,
    coalesce(p.text, p.payload) as content,
    length(coalesce(p.text, p.payload)) as characters
from chain c
join messages m on m.hash = c.hash
join parts p on p.message_hash = m.hash
order by c.depth desc, p.position

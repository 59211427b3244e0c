-- The calls whose prompt or reply has what is looked for, in sessions alone, each with the place of its exchange. Those
-- with the words themselves come before those with longer words, unless the newest are wanted first.
with recursive
found as (
    select
        c.id, c.thread_id, s.name as session, c.model, c.datetime_utc, c.remote_words @@ %(exact)s::tsquery as is_exact,
        ts_rank(c.remote_words, %(loose)s::tsquery) as score
    from (
        select t.id, t.thread_id, t.model, t.datetime_utc, q.remote_words
        from SCHEMA.turn_search q
        join SCHEMA.turns t on t.id = q.turn_id
        where q.remote_words @@ %(loose)s::tsquery
        union all
        select r.id, r.conversation_id, r.model, r.datetime_utc, r.remote_words
        from SCHEMA.responses r
        where r.remote_words @@ %(loose)s::tsquery and not exists (select 1 from SCHEMA.turns t where t.id = r.id)
    ) c
    join SCHEMA.memory_sessions s on s.thread_id = c.thread_id
    where (%(session)s::text is null or s.name_key = %(session)s)
      and (%(project)s::text is null or coalesce(s.project, 'none') = %(project)s)
      and (%(models)s::text[] is null or c.model = any(%(models)s))
      and (%(since)s::text is null or c.datetime_utc >= %(since)s)
      and (%(until)s::text is null or c.datetime_utc < %(until)s)
      and not exists (
          select 1 from unnest(%(tags)s::text[]) wanted
          where not exists (
              select 1 from SCHEMA.memory_tags g where g.thread_id = c.thread_id and g.tag_key = wanted collate "C"
          )
      )
    order by case when %(latest)s then 0 when c.remote_words @@ %(exact)s::tsquery then 0 else 1 end,
        case when %(latest)s then 0 else ts_rank(c.remote_words, %(loose)s::tsquery) end desc, c.id desc
    limit %(most)s
),
line as (  -- the sessions that forks were made from, each with the last call that they share
    select f.thread_id, f.from_thread_id as ancestor, f.at_turn_id as last_id, 1 as level
    from SCHEMA.memory_forks f
    where f.thread_id in (select thread_id from found)
    union all
    select l.thread_id, f.from_thread_id, least(l.last_id, f.at_turn_id), l.level + 1
    from line l
    join SCHEMA.memory_forks f on f.thread_id = l.ancestor
    where l.level < 100
),
calls as (
    select
        a.id, a.thread_id,
        case when exists (
            select 1 from SCHEMA.turns t
            join SCHEMA.messages m on m.hash = t.parent_message_hash and m.role = 'tool'
            where t.id = a.id and exists (select 1 from SCHEMA.turn_tools o where o.turn_id = t.id)
        ) or exists (select 1 from SCHEMA.tool_results x where x.response_id = a.id) then 0 else 1 end as begins
    from (
        select id, thread_id from SCHEMA.turns
        union all
        select r.id, r.conversation_id
        from SCHEMA.responses r
        where not exists (select 1 from SCHEMA.turns t where t.id = r.id)
    ) a
    where a.thread_id in (select thread_id from found union select ancestor from line)
      and not exists (select 1 from SCHEMA.memory_undone u where u.thread_id = a.thread_id and u.turn_id = a.id)
),
counted as (
    select id, thread_id, begins, sum(begins) over (partition by thread_id order by id) as number from calls
),
placed as (
    select id, thread_id, number, min(id) over (partition by thread_id, number) as exchange_id from counted
)
select
    f.id, f.thread_id, f.session, f.model, f.datetime_utc, f.score::float8, p.exchange_id,
    p.number::bigint + coalesce((
        select sum(n.begins) from line l join counted n on n.thread_id = l.ancestor and n.id <= l.last_id
        where l.thread_id = f.thread_id
    ), 0)::bigint as number,
    left(coalesce(q.prompt, r.prompt, ''), 200000) as prompt, left(coalesce(q.response, r.response, ''), 200000) as response
from found f
join placed p on p.id = f.id and p.thread_id = f.thread_id
left join SCHEMA.turn_search q on q.turn_id = f.id
left join SCHEMA.responses r on r.id = f.id
where %(marks)s::text[] is null
   or (%(marks)s = '{}' and not exists (
       select 1 from SCHEMA.memory_ratings o where o.thread_id = f.thread_id and o.turn_id = p.exchange_id
   ))
   or exists (
       select 1 from SCHEMA.memory_ratings o
       where o.thread_id = f.thread_id and o.turn_id = p.exchange_id and o.mark = any(%(marks)s)
   )
order by case when %(latest)s or f.is_exact then 0 else 1 end, case when %(latest)s then 0 else f.score end desc, f.id desc

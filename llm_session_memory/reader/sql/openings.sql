-- The beginning of the first prompt of threads (a JSON array of ids): the user's own text, without fragments, unless it
-- is nothing but a fragment. A session that was never answered begins with its first failed prompt.
select
    w.value as thread_id,
    coalesce(
        (
            select substr(coalesce(
                p.text,
                (
                    select nullif(trim(group_concat(json_extract(r.value, '$.literal'), ''), char(10) || ' '), '')
                    from json_each(case when json_valid(p.payload) then p.payload end, '$.text_ref') r
                    where r.type = 'object'
                ),
                (
                    select f.content
                    from json_each(case when json_valid(p.payload) then p.payload end, '$.text_ref') r
                    join fragments f on f.id = json_extract(r.value, '$.fragment')
                    where r.type = 'object' and (f.source is null or f.source not like 'session:%')
                    limit 1
                ),
                json_extract(case when json_valid(p.payload) then p.payload end, '$.text')
            ), 1, 2000)
            from turns t
            join messages m on m.hash = t.parent_message_hash and m.role = 'user'
            join parts p on p.message_hash = m.hash and p.type = 'text'
            where t.rowid = (select min(o.rowid) from turns o where o.thread_id = w.value)
            order by p.position
            limit 1
        ),
        (select substr(a.prompt, 1, 2000) from memory_attempts a where a.thread_id = w.value order by a.id limit 1)
    ) as prompt
from json_each(:ids) w

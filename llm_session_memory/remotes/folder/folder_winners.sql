-- Of the lines with the same kind and key, the newest wins, unless it was removed later.
update lines set wins = id = (
    select l.id from lines l where l.kind = lines.kind and l.key = lines.key
    order by l.number desc, l.token desc, (select name from parts where id = l.part) desc, l.start desc limit 1
) and not exists (
    select 1 from removed r where r.kind = lines.kind and r.key = lines.key
    and (r.number, r.token) > (lines.number, lines.token)
) where (kind, key) in (select kind, key from touched);

select p.name, l.start, l.length from lines l join parts p on p.id = l.part
where l.wins and l.kind = 'tombstone' and l.bucket in (select value from json_each(?)) order by p.name, l.start;

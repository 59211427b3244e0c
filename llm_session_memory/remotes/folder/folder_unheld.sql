-- What refers to content that another machine removed at the same time does not count, until it is sent again.
update lines set wins = 0 where wins and kind in ('turn', 'response', 'thread') and exists (
    select 1 from refs r where r.line = lines.id and not exists (
        select 1 from lines c where c.wins and c.kind = substr(r.ref, 1, instr(r.ref, ' ') - 1)
        and c.key = substr(r.ref, instr(r.ref, ' ') + 1)
    )
);

insert into parts (name, dropped) values (?, ?)
on conflict (name) do update set dropped = coalesce(dropped, excluded.dropped), added = 0;

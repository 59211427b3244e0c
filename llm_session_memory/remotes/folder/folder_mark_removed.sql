insert into removed (kind, key, number, token, day) values (?, ?, ?, ?, ?)
on conflict (kind, key) do update set number = excluded.number, token = excluded.token, day = excluded.day
where (excluded.number, excluded.token) > (number, token);

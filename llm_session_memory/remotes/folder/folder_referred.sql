select w.value from json_each(?) w
where exists (select 1 from refs r join lines l on l.id = r.line where r.ref = w.value and l.wins);

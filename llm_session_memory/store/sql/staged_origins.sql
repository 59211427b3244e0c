-- Where the imported conversations are from; of one that is in the log already, the file and the time are the new ones.
insert into log.memory_origins (thread_id, source, key, file, imported_utc)
select thread_id, source, key, file, imported_utc from main.memory_origins where true order by rowid
on conflict (thread_id) do update set file = excluded.file, imported_utc = excluded.imported_utc

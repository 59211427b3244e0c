-- The statements that made some tables (:tables, a JSON array of names) and their indexes, tables first.
select sql
from sqlite_master
where sql is not null and type in ('table', 'index') and tbl_name in (select value from json_each(:tables))
order by type = 'index', rowid

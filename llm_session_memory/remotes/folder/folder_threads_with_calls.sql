-- If a turn and a response have the same id, the turn comes last.
select key, thread_id from lines
where wins and kind in ('response', 'turn') and key in (select value from json_each(?)) order by kind;

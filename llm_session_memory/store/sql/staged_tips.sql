-- A thread of the log that got more turns ends where the newest of them ends (?1: such threads, a JSON array).
update log.threads
set tip_message_hash = (select s.tip_message_hash from main.threads s where s.id = threads.id)
where id in (select value from json_each(?1)) and id in (select thread_id from main.turns)

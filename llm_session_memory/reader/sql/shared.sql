-- The forks among some threads (a JSON array), and if something was undone in the fork or in what it was forked from.
select
    f.thread_id, f.from_thread_id, f.at_turn_id,
    exists (select 1 from memory_undone u where u.thread_id in (f.thread_id, f.from_thread_id)) as undone
from json_each(:ids) w
cross join memory_forks f on f.thread_id = w.value

-- Which conversations and calls go with a batch.
insert or ignore into temp.gone_threads select id, :batch from temp.batch_threads;
insert or ignore into temp.gone_turns
select t.id, :batch
from temp.batch_threads b
join turns t on t.thread_id = b.id
where t.id not in (select id from temp.moved_turns);
insert or ignore into temp.gone_turns
select t.id, :batch from temp.batch_turns b join turns t on t.id = b.id;
insert or ignore into temp.gone_responses
select o.id, :batch
from temp.old_calls o
where o.thread_id in (select id from temp.batch_threads) and o.id not in (select id from temp.moved_turns);
insert or ignore into temp.gone_responses
select r.id, :batch from temp.batch_turns b join responses r on r.id = b.id;
-- a response that is also a turn is the same event
insert or ignore into temp.gone_responses
select r.id, :batch from temp.gone_turns g join responses r on r.id = g.id where g.batch = :batch;
insert or ignore into temp.gone_results
select id, :batch from tool_results where response_id in (select id from temp.gone_responses where batch = :batch);

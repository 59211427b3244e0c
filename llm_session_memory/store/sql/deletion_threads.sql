-- The conversations whose tips might go, and those that were forked from one that goes. `threads` has no index for it.
delete from temp.tips;
insert or ignore into temp.tips
select tip_message_hash, id from threads where tip_message_hash in (select hash from temp.searched);
delete from temp.forked;
insert or ignore into temp.forked
select id, forked_from from threads where forked_from in (select id from temp.all_threads);

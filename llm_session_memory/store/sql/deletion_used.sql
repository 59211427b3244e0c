-- The turns whose chains end at messages that might go, of a range of turns. `turns` has no index for that.
insert or ignore into temp.used
select t.parent_message_hash, t.id
from turns t
where t.rowid > :after and t.rowid <= :to and t.parent_message_hash in (select hash from temp.near);
insert or ignore into temp.used
select t.tip_message_hash, t.id
from turns t
where t.rowid > :after and t.rowid <= :to and t.tip_message_hash in (select hash from temp.near);

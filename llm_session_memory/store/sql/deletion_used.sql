-- The turns whose chains end at messages that might go, of a range of turns. `turns` has no index for that.
delete from temp.ends;
insert into temp.ends
select t.id, t.parent_message_hash, t.tip_message_hash
from turns t
where t.rowid > :after
  and t.rowid <= :to
  and (t.parent_message_hash in (select hash from temp.near) or t.tip_message_hash in (select hash from temp.near));
insert or ignore into temp.used select parent, id from temp.ends where parent is not null;
insert or ignore into temp.used select tip, id from temp.ends where tip is not null;

-- The ends of the chains of turns that were logged since `used` was made.
insert or ignore into temp.used
select parent_message_hash, id from turns where rowid > :after and parent_message_hash is not null;
insert or ignore into temp.used
select tip_message_hash, id from turns where rowid > :after and tip_message_hash is not null;

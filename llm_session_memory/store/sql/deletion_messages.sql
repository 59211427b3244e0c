-- Of the messages near a batch: those that stay are the ends of another turn's chain, another conversation's tip, or
-- followed by a message that stays, and all before them. The others go.
insert or ignore into temp.kept
with recursive up (hash) as (
    select n.hash
    from temp.near n
    where exists (
        select 1
        from temp.used u
        join turns t on t.id = u.turn_id
        where u.hash = n.hash and u.turn_id not in (select id from temp.gone_turns)
    )
    or exists (
        select 1
        from messages m
        where m.parent_hash = n.hash
          and m.hash not in (select hash from temp.near)
          and m.hash not in (select hash from temp.gone_messages)
    )
    union
    select t.tip_message_hash
    from temp.near n
    join temp.tips tip on tip.hash = n.hash
    join threads t on t.id = tip.thread_id and t.tip_message_hash = n.hash
    where t.id not in (select id from temp.gone_threads)
      -- a conversation that loses turns gets another tip
      and t.id not in (select thread_id from turns where id in (select id from temp.batch_turns))
    union
    select m.parent_hash
    from up
    join messages m on m.hash = up.hash
    where m.parent_hash in (select hash from temp.near)
)
select hash from up;
insert or ignore into temp.gone_messages
select hash, :batch from temp.near where hash not in (select hash from temp.kept);
insert or ignore into temp.gone_parts
select p.id, :batch
from temp.gone_messages g
join parts p on p.message_hash = g.hash
where g.batch = :batch;

-- The messages that the chains of a batch's turns pass through, and those of its conversations' own tips.
insert or ignore into temp.near
with recursive up (hash) as (
    select t.parent_message_hash
    from temp.gone_turns g
    join turns t on t.id = g.id
    where g.batch = :batch and t.parent_message_hash is not null
    union
    select t.tip_message_hash
    from temp.gone_turns g
    join turns t on t.id = g.id
    where g.batch = :batch and t.tip_message_hash is not null
    union
    select t.tip_message_hash
    from temp.gone_threads g
    join threads t on t.id = g.id
    where g.batch = :batch and t.tip_message_hash is not null
    union
    select hash from temp.left_ends
    union
    select m.parent_hash
    from up
    join messages m on m.hash = up.hash
    where m.parent_hash is not null
)
select hash from up

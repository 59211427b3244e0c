-- Delete the parts of messages that no turn and no conversation leads to.
delete from parts
where message_hash not in (
    with recursive reached (hash) as (
        select parent_message_hash from turns where parent_message_hash is not null
        union
        select tip_message_hash from turns where tip_message_hash is not null
        union
        select tip_message_hash from threads where tip_message_hash is not null
        union
        select m.parent_hash from reached r join messages m on m.hash = r.hash where m.parent_hash is not null
    )
    select hash from reached
);

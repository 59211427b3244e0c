-- Where the recalled excerpts of an import are from. Only in the temporary database of the import.
create table staged_excerpts (
    turn_id text not null,               -- the turn that the excerpt was sent with
    rank integer not null,
    exchange integer not null,           -- in the file
    turn integer not null,               -- within the exchange, from 1; 0: the last one
    side integer not null,               -- 0 prompt, 1 tool results, 2 reply
    part integer not null,               -- position within that text, from 0
    from_turn_id text,                   -- the turn that the excerpt is from, null if it is not in the file
    primary key (turn_id, rank)
)

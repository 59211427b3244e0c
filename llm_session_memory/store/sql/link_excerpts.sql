-- Link the recalled excerpts of an import to the passages that they are from, when those are in the index.
update log.memory_recalls
set passage_id = coalesce(
    (
        select p.id
        from main.staged_excerpts e
        join log.memory_passages p
        on p.turn_id = e.from_turn_id and p.side = e.side and p.part = e.part and p."end" > p."start"
        where e.turn_id = memory_recalls.turn_id and e.rank = memory_recalls.rank
        limit 1
    ),
    0
)
where turn_id in (select turn_id from main.staged_excerpts)

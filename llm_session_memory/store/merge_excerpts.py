"""Excerpts in a merge: each keeps the text that it is from, although this log numbers its passages differently."""

from __future__ import annotations

from .log import Log


def remember_excerpts(log: Log) -> list[str]:
    """Remember which texts the new turns' excerpts are from, and return the threads of these texts."""
    log.run("drop table if exists temp.merge_excerpts")
    log.run(
        "create temp table merge_excerpts as select r.turn_id, r.rank, p.turn_id as from_turn_id, p.side, p.part"
        " from temp.merge_turns n join other.memory_recalls r on r.turn_id = n.id"
        " join other.memory_passages p on p.id = r.passage_id"
    )
    sql = "select distinct t.thread_id from temp.merge_excerpts e join main.turns t on t.id = e.from_turn_id"
    return [one for (one,) in log.tuples(sql)]


def link_excerpts(log: Log) -> None:
    """Link excerpts to the passages that they are from, when those are in the index."""
    log.run(
        "update memory_recalls set passage_id = coalesce((select p.id from temp.merge_excerpts e"
        " join memory_passages p on p.turn_id = e.from_turn_id and p.side = e.side and p.part = e.part"
        " where e.turn_id = memory_recalls.turn_id and e.rank = memory_recalls.rank limit 1), passage_id)"
        " where turn_id in (select turn_id from temp.merge_excerpts)"
    )

"""Fragments and text attachments that went with prompts are in the index: bounded, once a thread, never our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory.model import Session, Settings, Target
from llm_session_memory.rules.passages import entries, query_words
from llm_session_memory.services.bundle import Services
from llm_session_memory.store import Log, Sessions, beside
from llm_session_memory.store.index import Index
from llm_session_memory.store.undone import take_out
from tests.store.world import built
from tests.world.logs import Said

NOVEL = " ".join(f"Chapter {number} tells of the lighthouse keeper." for number in range(400))
PAGE = llm.Fragment("The harbour office signs off the foundations.", "page.txt")
FILE = llm.Attachment(type="text/plain", content="Low water at 09:42, says the café.".encode())


def found(log: Log, thread: str, prompt: str, *, fragments: bool = True) -> list[tuple[str, str]]:
    """Return the turn and the text of each passage that has any of the prompt's words, oldest first."""
    here = Index(log)
    hits = here.lookup(here.scopes(thread), query_words(prompt), 5_000, fragments=fragments)
    rows = here.rows({id_ for ids in hits.values() for id_ in ids})
    texts = here.texts(rows[id_] for id_ in sorted(rows))
    return [(rows[id_]["turn_id"], texts[id_]) for id_ in sorted(rows)]


@pytest.mark.parametrize("generation", ["turns", "responses", "both"])
def test_what_went_with_a_prompt_is_found(log: Path, generation: str) -> None:
    """Fragments and text attachments are found in both generations of llm's tables, with exactly their texts."""
    with built(log) as (builder, here):
        thread = builder.thread()
        said = Said("Summarise.", "Noted.", fragments=(PAGE, llm.Fragment(NOVEL, "novel.txt")), attachments=(FILE,))
        (turn,) = getattr(builder, generation)(thread, said)
        assert Index(here).catch_up(thread) == 1
        assert found(here, thread, "foundations") == [(turn, str(PAGE))]
        assert found(here, thread, "cafe") == [(turn, "Low water at 09:42, says the café.")]
        keeper = found(here, thread, "lighthouse")
        assert len(keeper) > 10
        assert " ".join(text for _, text in keeper) == NOVEL
        assert found(here, thread, "foundations cafe lighthouse", fragments=False) == []
        assert found(here, thread, "summarise", fragments=False) == [(turn, "Summarise.")]


def test_only_the_beginning_of_a_long_text_is_indexed(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each text, MOST characters are indexed; what follows in the same prompt is not cut with it."""
    monkeypatch.setattr(beside, "MOST", 1_000)
    long = llm.Attachment(type="text/plain", content=("Grün. " * 200 + "zebra").encode())
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, Said("Go.", "", fragments=(llm.Fragment(NOVEL + " zebra"), PAGE), attachments=(long,)))
        Index(here).catch_up(thread)
        assert found(here, thread, "zebra") == []
        assert [text for _, text in found(here, thread, "foundations")] == [str(PAGE)]
        assert sum(len(text) for _, text in found(here, thread, "lighthouse")) <= 1_000


def test_what_is_not_indexed(log: Path, tmp_path: Path) -> None:
    """Our own excerpts, system fragments, pictures, bytes that are no text, and files that the log has no bytes of."""
    (tmp_path / "zebra.txt").write_text("zebra")
    ours = llm.Fragment("<earlier-conversation> zebra", "session://thread/#3")
    held = (
        llm.Attachment(type="image/png", content=b"\x89PNG zebra"),
        llm.Attachment(type="text/plain", content=b"\x00\x01zebra"),
        llm.Attachment(type="text/plain", path=str(tmp_path / "zebra.txt")),
    )
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, Said("Go.", "Gone.", fragments=(ours,), attachments=held))
        Index(here).catch_up(thread)
        assert found(here, thread, "zebra") == []
        assert [row["side"] for row in here.rows("select side from memory_passages")] == [0, 2]


def test_a_text_that_went_with_many_prompts_is_indexed_once(log: Path) -> None:
    """It belongs to the first turn that has it, also if others come later; another thread has it on its own."""
    with built(log) as (builder, here):
        thread, other = builder.thread(), builder.thread()
        both: dict[str, Any] = {"fragments": (PAGE,), "attachments": (FILE,)}
        first, _ = builder.turns(thread, Said("One.", **both), Said("Two.", fragments=(PAGE, PAGE)))
        Index(here).catch_up(thread)
        builder.turns(thread, Said("Three.", **both))
        builder.turns(other, Said("Four.", **both))
        for each in (thread, other):
            Index(here).catch_up(each)
        assert found(here, thread, "foundations cafe") == [
            (first, str(PAGE)),
            (first, "Low water at 09:42, says the café."),
        ]
        assert len(found(here, other, "foundations cafe")) == 2


def test_undone_turns_keep_it_from_no_other(log: Path) -> None:
    """If the first prompt with a text was undone and asked again, the text is found with the new one."""
    with built(log) as (builder, here):
        thread = builder.thread()
        (undone,) = builder.turns(thread, Said("One.", fragments=(PAGE,)))
        Index(here).catch_up(thread)
        with here.writing():
            take_out(here, thread, [undone], "2026")
        (again,) = builder.turns(thread, Said("Once more.", fragments=(PAGE,)))
        Index(here).catch_up(thread)
        assert [turn for turn, _ in found(here, thread, "foundations")] == [undone, again]


def as_without(log: Log) -> None:
    """Make the index as the rules before made it: without the texts that went with prompts."""
    log.run("delete from memory_passages where side = 3")
    log.run("insert into memory_words (memory_words) values ('delete-all')")
    rows = log.rows("select * from memory_passages order by id")
    texts = Index(log).texts(rows)
    for row in rows:
        words, parts = entries(texts[row["id"]], 0, len(texts[row["id"]]))
        given = {"id": row["id"], "thread": row["thread"], "words": words, "parts": parts}
        log.run("insert into memory_words (rowid, thread, text, parts) values (:id, :thread, :words, :parts)", given)
    log.run("update memory_index set rules = 2, passages = (select count(*) from memory_passages)")


def test_an_index_without_them_is_completed(log: Path) -> None:
    """A thread that was indexed without them can be searched, and is completed; its other passages stay as they are."""
    with built(log) as (builder, here):
        thread = builder.thread()
        turns = builder.turns(
            thread, Said("A bridge.", fragments=(PAGE,)), Said("Two."), Said("Three.", fragments=(PAGE,))
        )
        Index(here).catch_up(thread)
        as_without(here)
        kept = here.rows("select * from memory_passages")
        assert found(here, thread, "bridge foundations") == [(turns[0], "A bridge.")]
        assert [Index(here).catch_up(thread) for _ in range(2)] == [2, 0]
        assert found(here, thread, "foundations") == [(turns[0], str(PAGE))]
        assert here.rows("select * from memory_passages where side < 3") == kept
        assert [scope.passages for scope in Index(here).scopes(thread)] == [len(kept) + 1]


def test_completing_goes_on_where_time_was_up(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt completes for a few seconds at most; the next one does the rest."""
    monkeypatch.setattr("llm_session_memory.store.index_writing._FRAGMENTS", 1)
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, *(Said("Go.", fragments=(llm.Fragment(f"Text {word}."),)) for word in ("one", "two")))
        Index(here).catch_up(thread)
        as_without(here)
        assert len(found(here, thread, "text")) == 0
        Index(here).catch_up(thread, seconds=-1)
        assert len(found(here, thread, "text")) == 1
        Index(here).catch_up(thread, seconds=-1)
        assert len(found(here, thread, "text")) == 2


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("made", [Said("Go.", fragments=(PAGE,)), Said("Go.", attachments=(FILE,))])
def test_deleting_a_turn_leaves_the_text_of_others(log: Path, which: int, made: Said) -> None:
    """Whichever exchange goes, the text is found once, with the first that is left; and nothing after the last."""
    with built(log) as (builder, here):
        thread = builder.thread()
        turns = builder.turns(thread, made, made, made)
        Sessions(here).add(Session(thread, "work", "2026", Settings()))
        here.database.conn.commit()
        Index(here).catch_up(thread)
    while turns:
        gone = turns.pop(which % len(turns))
        with Services.open(log) as memory:
            memory.deletion.delete([Target(thread, (gone,))])
            here = memory.desk.log
            here.run("insert into memory_words (memory_words) values ('integrity-check')")
            Index(here).catch_up(thread)
            assert [turn for turn, _ in found(here, thread, "foundations water")] == turns[:1]
            assert here.value("select count(*) from memory_passages where side = 3") == len(turns[:1])
            words = here.value("select count(*) from memory_words where memory_words match 'foundat OR water'")
            assert words == len(turns[:1])

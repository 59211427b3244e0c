"""Rules of the list as the reader reads it: sorting, models, facets, days and first words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory import Memory
from llm_session_memory.reader.cache import CACHE
from llm_session_memory.reader.entries import SORTS, Filters, Line, Listing, Sort
from llm_session_memory.reader.listing import keys, listing
from llm_session_memory.reader.open_log import opened
from tests.world.everything import Session, with_sessions
from tests.world.logs import START, Call, LogBuilder, Said

OTHER = "claude-sonnet-4.5"


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log of both generations, with sessions, tags, several models, prices known and unknown, and tools."""
    path = tmp_path_factory.mktemp("listing") / "logs.db"
    sessions = []
    with LogBuilder(path) as log:
        for number in range(9):
            thread = log.thread()
            old = number % 3 == 0
            write = log.responses if old else log.turns
            said = Said(f"Prompt {number} of **many**", tokens=(10 * (number % 4), 5))
            turns = write(thread, said, model="gpt-4o" if number % 2 else "ollama/llama3")
            if number == 4:
                log.turns(thread, replace(said, calls=(Call("look", {}, "7"),)), said, model=OTHER)
                turns += log.turns(thread, said, model="gpt-4o")
            if number in (1, 4, 6):
                tags = ("bridge", "Oak") if number == 4 else ("bridge",)
                sessions.append(Session(thread, f"{'zAb'[number % 3]} {number}", turns, model="", tags=tags))
        sessions.append(
            Session(log.thread(), "empty", [], model=OTHER, created=(START - timedelta(days=3)).isoformat())
        )
    with_sessions(path, *sessions)
    return path


@pytest.fixture(name="read")
def _read(path: Path) -> Iterator[Any]:
    """Return a function that reads a page of the list."""
    with opened(path) as source:

        def read(filters: Filters | None = None, **more: Any) -> Listing:
            return listing(source, filters or Filters(), **more)

        yield read


def value(line: Line, by: Sort) -> Any:
    """Return what a line is sorted by."""
    figures = line.figures
    return {
        "used": figures.last_utc,
        "name": (line.name or line.first_words).casefold(),
        "model": line.listed_model.casefold(),
        "exchanges": figures.exchanges,
        "tokens": (figures.input_tokens or 0) + (figures.output_tokens or 0),
        "cost": -1.0 if figures.cost.dollars is None else round(figures.cost.dollars, 12),
    }[by]


@pytest.mark.parametrize("by", SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_the_list_is_sorted_both_ways_by_what_its_lines_say(read: Any, by: Sort, descending: bool) -> None:
    """Whatever the column, the lines are in its order, and the pages together have each of them once."""
    whole = read(sort=by, descending=descending).lines
    found = [value(line, by) for line in whole]
    known = [one for one in found if one != -1]
    assert known == sorted(known, reverse=descending)
    assert found == [*known, *[one for one in found if one == -1]], "unknown costs are not last"
    pages: list[Line] = []
    after = None
    while after or not pages:
        page = read(sort=by, descending=descending, count=3, after=after)
        pages += page.lines
        after = page.next
    assert [line.thread_id for line in pages] == [line.thread_id for line in whole]
    assert len(whole) == 10


def test_whatever_a_model_is_called_the_pages_go_on(tmp_path: Path) -> None:
    """A page's key survives an address, whatever blanks, NULs, commas or thousands of characters a name has."""
    models = (" gpt ", "gpt", "a,b,", "x" * 5_000, "x" * 5_000 + "y", "Z\0", "")
    with LogBuilder(tmp_path / "logs.db") as log:
        for model in models:
            log.turns(log.thread(), Said("One"), model=model)
    with opened(tmp_path / "logs.db") as source:
        for descending in (True, False):
            found, after = [], None
            for _ in models:
                page = listing(source, Filters(), sort="model", descending=descending, after=after, count=1)
                found += [line.thread_id for line in page.lines]
                after = page.next and page.next.replace("\0", " ")[:1_000].strip()
            assert (len({*found}), after) == (len(models), None)


def test_names_begin_with_a_and_everything_else_with_the_most(read: Any) -> None:
    """Without a direction, a column is sorted in the one that is asked for most."""
    assert read(sort="name").lines == read(sort="name", descending=False).lines
    assert read(sort="cost").lines == read(sort="cost", descending=True).lines


def test_a_model_that_was_used_in_the_middle_is_offered_and_found(read: Any) -> None:
    """All models that were ever used can be chosen, and find every session that used them or will."""
    assert set(read().models) == {"gpt-4o", "ollama/llama3", OTHER}
    (empty, used) = sorted(read(Filters(model=OTHER)).lines, key=lambda line: line.name != "empty")
    assert (empty.name, used.model) == ("empty", "gpt-4o")
    assert used.models == ("gpt-4o", OTHER, "ollama/llama3")


def test_facets_count_the_sessions_that_a_click_would_show(read: Any) -> None:
    """The number beside a value is that of the sessions which it selects, whatever else is selected."""
    for filters in (Filters(), Filters(model="gpt-4o"), Filters(tag="bridge", named=True), Filters(text="prompt 1")):
        page = read(filters)
        assert page.matching == len(page.lines)
        assert page.facets.models
        for facet in page.facets.models:
            assert read(replace(filters, model=facet.value)).matching == facet.sessions
        for facet in page.facets.tags:
            assert read(replace(filters, tag=facet.value)).matching == facet.sessions
    assert [(one.value, one.sessions) for one in read().facets.tags] == [("bridge", 3), ("Oak", 1)]


def test_a_session_is_found_by_each_day_on_which_it_was_used(tmp_path: Path) -> None:
    """From and to select what was used in between, also if it was used again afterwards."""
    with LogBuilder(tmp_path / "logs.db") as log:
        for write in (log.turns, log.responses):
            thread = log.thread()
            write(thread, Said("First.", at=START), Said("Again.", at=START + timedelta(days=9)))
            write(log.thread(), Said("Later.", at=START + timedelta(days=9)))
    with opened(tmp_path / "logs.db") as source:
        for day, many in (("2026-09-01", 2), ("2026-09-05", 0), ("2026-09-10", 4)):
            assert len(listing(source, Filters(since=day, until=day)).lines) == many


def test_an_unnamed_conversation_is_called_after_its_prompt(tmp_path: Path) -> None:
    """Its heading is the whole line of the prompt, without Markdown and without fragments."""
    prompt = "Please **compare** two bridges, the one of oak and the one of iron"
    plan = llm.Fragment("A plan.", source="plan.txt")
    with LogBuilder(tmp_path / "logs.db") as log:
        log.turns(log.thread(), Said(prompt), Said("Other."))
        log.turns(log.thread(), Said(prompt, fragments=(plan,)))
        log.responses(log.thread(), Said(prompt, fragments=(plan,)))
        log.turns(log.thread(), Said("", fragments=(plan,)))
        thread = log.thread()
    failed = Session(thread, "failed", [], attempts=[("01m", prompt, "No server.")])
    with_sessions(tmp_path / "logs.db", failed)
    whole = prompt.replace("**", "")
    with opened(tmp_path / "logs.db") as source:
        found = listing(source, Filters()).lines
        assert {line.heading for line in found} == {whole, "failed", "A plan."}
        assert [line.opening for line in found].count(whole) == 4


def test_models_are_known_at_once_whatever_was_added_or_deleted(tmp_path: Path) -> None:
    """New turns are read alone, and after a deletion all are read again."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log, opened(path) as source:
        first, second = log.thread(), log.thread()
        log.turns(first, Said("One."), model="a")

        def models() -> dict[str, tuple[str, ...]]:
            return {line.thread_id: line.models for line in listing(source, Filters()).lines}

        assert models() == {first: ("a",)}
        log.turns(second, Said("Two."), model="b")
        log.turns(first, Said("Three."), model="c")
        assert models() == {first: ("c", "a"), second: ("b",)}
        with sqlite3.connect(path) as connection:
            connection.execute("delete from turns where model in ('b', 'c')")
        log.turns(second, Said("Four."), Said("Five."), model="d")
        assert models() == {first: ("a",), second: ("d",)}
        fresh = models()
        CACHE.clear()
        assert models() == fresh


def test_all_keys_of_a_list_can_be_had_at_once(read: Any, path: Path) -> None:
    """A file of the list has its sessions in the same order, up to a number."""
    with opened(path) as source:
        found = keys(source, Filters(), sort="name", descending=False, most=4)
    assert found == [line.thread_id for line in read(sort="name").lines][:4]


def test_the_page_and_the_command_say_the_same_of_a_session(tmp_path: Path) -> None:
    """Order, last use, model, exchanges and tokens are those of `llm sessions list`, however a session came to be."""
    path = tmp_path / "logs.db"
    later = "2026-11-01T09:00:00+00:00"
    with LogBuilder(path) as log:
        named, old, failed, empty = (log.thread() for _ in range(4))
        sessions = [
            Session(named, "named today", log.turns(named, Said("One", tokens=(7, 1)), model="gpt-4o"), model=""),
            Session(old, "of an older llm", log.responses(old, Said("Two", tokens=(5, 2)), model="gpt-4"), model=""),
            Session(
                failed, "failed", log.turns(failed, Said("Three")), model=OTHER, attempts=[("01m2", "Four", "No.")]
            ),
            Session(empty, "empty", [], model=OTHER),
        ]
    with_sessions(
        path, *(replace(one, created=later if one.name == "named today" else one.created) for one in sessions)
    )
    with Memory(path) as memory, opened(path) as source:
        told = [*memory.sessions.list()]
        shown = listing(source, Filters(named=True)).lines
    assert [one.session.name for one in told] == [line.name for line in shown]
    assert [(one.model, one.exchanges, one.input_tokens) for one in told] == [
        (line.listed_model, line.figures.exchanges, line.figures.input_tokens or 0) for line in shown
    ]
    assert [one.last_used_utc[:19] for one in told] == [line.figures.last_utc[:19] for line in shown]
    assert {one.session.name for one in told if one.last_used_utc > "2026-10"} == set()
    assert len(shown) == 4

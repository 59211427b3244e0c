"""Our own tables: sessions by name, their list and its pages, blocks, pins, attempts, windows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from llm_session_memory.errors import NameRefused
from llm_session_memory.model import Attempt, Block, Session, Settings, WindowFacts
from llm_session_memory.store import Log, Sessions, session_list
from llm_session_memory.store.requests import ContextRow
from tests.store.world import built
from tests.world.logs import START, Call, LogBuilder, Said

SETTINGS = Settings("scripted", "Be brief.", {"num_ctx": 4096, "mood": "calm"}, 3_000, "full")
BLOCK = Block(None, "turn-3", ("turn-1",), "window", 3_000, "front", "the session begins", clip=40)
ATTEMPT = Attempt(
    "attempt-1",
    "thread",
    "scripted",
    "When?",
    "gone",
    "On the",
    START.isoformat(),
    None,
    {"fragments": [{"text": "x"}]},
)
LOOP = Said("What time is it?", "Noon.", calls=(Call("clock", {}, "12:00"),), tokens=(50, 5))


def session(name: str, thread: str = "thread", settings: Settings = SETTINGS) -> Session:
    """Return a session that was created first."""
    return Session(thread, name, START.isoformat(), settings)


def test_a_session_comes_back_as_it_was_stored(log: Path) -> None:
    """Name, thread, and each of the settings come back; options keep their types."""
    with built(log) as (_, found):
        Sessions(found).add(session("Work"))
        assert Sessions(found).session("Work") == session("Work")
        assert Sessions(found).session_of_thread("thread") == session("Work")
        Sessions(found).set_settings("thread", Settings())
        assert Sessions(found).session("Work") == session("Work", settings=Settings())


def test_names_from_before_blanks_were_folded_are_found(log: Path) -> None:
    """Two sessions of an older log whose names differ only in the number of blanks are both found by their names."""
    with built(log) as (_, found):
        store = Sessions(found)
        store.add(session("a b c"))
        store.add(session("old", "another thread"))
        found.run("update memory_sessions set name = 'a b  c', name_key = 'a b  c' where name = 'old'")
        assert store.session("a b c") == session("a b c")
        assert store.session("a b  c") == session("a b  c", "another thread")
        assert store.session("A  B c") == session("a b c")


@pytest.mark.parametrize("typed", ["Café", "CAFÉ", "Cafe\u0301"], ids=["as_written", "upper_case", "decomposed"])
def test_names_are_one_whatever_their_case_or_form(log: Path, typed: str) -> None:
    """A session is found by its name, ignoring case and how its accents are encoded; there is only one."""
    with built(log) as (_, found):
        store = Sessions(found)
        store.add(session("Café"))
        assert store.session(typed) == session("Café")
        with pytest.raises(NameRefused, match="Session “.+” already exists"):
            store.add(session(typed, "another thread"))
        store.add(session("bar", "another thread"))
        with pytest.raises(NameRefused):
            store.rename("another thread", typed)
        store.rename("thread", typed.upper())
        assert store.names() == ["bar", typed.upper()]


def test_a_log_without_our_tables_has_no_sessions(log: Path) -> None:
    """Reading a log without sessions finds none, and creates no tables."""
    LogBuilder(log).db.close()
    found = Log.open(log)
    store = Sessions(found)
    assert (store.session("work"), store.session_of_thread("x"), store.names(), session_list.page(store.log)) == (
        None,
        None,
        [],
        [],
    )
    assert store.window("llama3") is None
    assert not found.has_sessions()
    found.close()


# -- the list ----------------------------------------------------------


def test_the_list_is_by_last_use(log: Path) -> None:
    """The newest use comes first: a turn, an attempt or, if there is neither, the session's creation."""
    with built(log) as (builder, found):
        store = Sessions(found)
        threads = {name: builder.thread() for name in ("turn", "attempt", "unused")}
        builder.turns(threads["turn"], Said("Hello.", at=START + timedelta(hours=1)))
        for name, thread in threads.items():
            store.add(session(name, thread))
        later = (START + timedelta(hours=2)).isoformat()
        store.attempts.add(replace(ATTEMPT, thread_id=threads["attempt"], datetime_utc=later))
        assert [line.session.name for line in session_list.page(store.log)] == ["attempt", "turn", "unused"]


def test_pages_continue_after_a_key(log: Path) -> None:
    """Pages, each after the last line of the previous one, list each session once, even if used at the same moment."""
    with built(log) as (_, found):
        store = Sessions(found)
        for number in range(7):
            store.add(session(f"session {number}", f"thread {number}"))
        names: list[str] = []
        after: Session | None = None
        while page := session_list.page(store.log, 3, after):
            names += [line.session.name for line in page]
            after = page[-1].session
        assert sorted(names) == [f"session {number}" for number in range(7)]
        assert names == [line.session.name for line in session_list.page(store.log)]


@pytest.mark.parametrize("generation", ["turns", "responses", "both"])
def test_a_line_counts_exchanges_and_tokens(log: Path, generation: str) -> None:
    """A tool loop is one exchange; tokens are of all its calls; an event in both generations counts once."""
    with built(log) as (builder, found):
        thread = builder.thread()
        getattr(builder, generation)(thread, Said("Hello.", tokens=(10, 2)), LOOP, Said("Uncounted."))
        Sessions(found).add(session("work", thread))
        (line,) = session_list.page(found)
        assert (line.exchanges, line.input_tokens, line.output_tokens, line.attempts) == (3, 110, 12, 0)
        assert session_list.summary(found, session("work", thread)) == line


def test_a_session_of_both_generations_counts_both(log: Path) -> None:
    """A conversation that began with an older llm is counted from its beginning."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.responses(thread, Said("Old.", tokens=(10, 2)), LOOP)
        builder.turns(thread, Said("New.", tokens=(30, 3)))
        Sessions(found).add(session("work", thread))
        (line,) = session_list.page(found)
        assert (line.exchanges, line.input_tokens, line.output_tokens) == (3, 140, 15)


# -- blocks, pins, attempts, windows -------------------------------------


def test_the_newest_block_comes_back(log: Path) -> None:
    """A thread's block comes back as it was stored, with its last turn; another thread's block does not."""
    with built(log) as (_, found):
        store = Sessions(found)
        assert store.requests.latest("thread") is None
        store.requests.add("thread", BLOCK, (4096, "set with num_ctx"), START.isoformat())
        newest = store.requests.add("thread", replace(BLOCK, start_id="turn-5"), (None, "not known"), START.isoformat())
        store.requests.add("another", BLOCK, (None, "not known"), START.isoformat())
        for turn_id in ("turn-5", "turn-6"):
            store.requests.add_context(ContextRow(turn_id, "thread", newest, turn_id, 5, "turn-4", 1.5, 2, None))
        expected = replace(BLOCK, id=newest, start_id="turn-5", first_id="turn-5", last_turn_id="turn-6")
        assert store.requests.latest("thread") == expected
        assert store.requests.made_at("turn-6") == (5, "turn-4")
        assert store.requests.made_at("turn-9") is None


def test_the_newest_block_of_a_policy_and_budget(log: Path) -> None:
    """Among a thread's blocks, the one of a policy and budget is found; those filled by a prompt alone don't count."""
    with built(log) as (_, found):
        store = Sessions(found)
        wanted = store.requests.add("thread", BLOCK, (None, "not known"), START.isoformat())
        for other in (replace(BLOCK, budget=900), replace(BLOCK, policy="full"), replace(BLOCK, oversized=True)):
            store.requests.add("thread", other, (None, "not known"), START.isoformat())
        block = store.requests.latest("thread", "window", 3_000)
        assert block is not None
        assert block.id == wanted


def test_pins_are_a_set(log: Path) -> None:
    """Pinning twice is pinning once; removing a pin that does not exist changes nothing."""
    with built(log) as (_, found):
        store = Sessions(found)
        for turn_id in ("turn-2", "turn-1", "turn-2"):
            store.pin("thread", turn_id, START.isoformat())
        assert store.pins("thread") == ["turn-1", "turn-2"]
        store.unpin("thread", "turn-1")
        store.unpin("thread", "turn-9")
        assert store.pins("thread") == ["turn-2"]
        assert store.pins("another") == []


def test_attempts_come_back_and_are_answered(log: Path) -> None:
    """An attempt comes back as it was stored, with the turn that finally answered it."""
    with built(log) as (_, found):
        store = Sessions(found)
        store.attempts.add(ATTEMPT)
        store.attempts.add(replace(ATTEMPT, id="attempt-0"))
        assert store.attempts.of("thread") == [replace(ATTEMPT, id="attempt-0"), ATTEMPT]
        store.attempts.answer(["attempt-1"], "turn-9")
        assert [one.answered_by for one in store.attempts.of("thread")] == [None, "turn-9"]


def test_windows_are_remembered_by_model(log: Path) -> None:
    """A server's figures for a model replace the previous ones; a missing figure is None."""
    with built(log) as (_, found):
        store = Sessions(found)
        store.remember_window("ollama/llama3", WindowFacts(4096, 8192, 131_072, START.isoformat(), START.isoformat()))
        facts = WindowFacts(None, None, 131_072, START.isoformat())
        store.remember_window("ollama/llama3", facts)
        assert store.window("ollama/llama3") == facts
        assert store.window("ollama/other") is None

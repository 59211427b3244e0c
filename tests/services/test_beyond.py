"""Recall from other sessions: only what may be sent comes back, with its session and number."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.memory import Memory
from llm_session_memory.model import Recalled, Settings
from llm_session_memory.rules import names
from tests.world.laws import tried
from tests.world.logs import LogBuilder, Said

NAMES = ("work", "play", "red, white", "all")


@dataclass(frozen=True)
class Other:
    """A session: how many exchanges it has and how many of them are undone, and what it is in."""

    exchanges: int
    undone: int
    private: bool
    archived: bool
    tagged: bool
    in_project: bool
    forked: bool

    def word(self, name: str, number: int) -> str:
        """Return the word that only this exchange has, in the log as it was before any fork."""
        return f"zeb{NAMES.index(name)}ra{number}x"


others = st.builds(
    Other, st.integers(1, 4), st.integers(0, 2), *[st.booleans()] * 4, st.sampled_from([False, False, True])
)

sources = st.lists(
    st.sampled_from(["self", "work", "play", '"red, white"', '"all"', "tag:x", "project:p", "all"]), min_size=1
)


def _built(path: Path, sessions: list[Other]) -> None:
    """Write the sessions, each with the words of its own exchanges."""
    with LogBuilder(path) as builder:
        for name, one in zip(NAMES, sessions, strict=False):
            said = [Said(f"Note {one.word(name, n)} down.", "Done.") for n in range(1, one.exchanges + 1)]
            builder.turns(f"thread-{name}", *said)
    with Memory(path) as memory:
        memory.desk.prepare()
        memory.projects.create("p")
        for name, one in zip(NAMES, sessions, strict=False):
            memory.sessions.name_thread(f"thread-{name}", name)
            if one.forked:
                memory.forks.make(memory.forks.point(name), f"{name}-fork")
            if one.undone and one.undone < one.exchanges:
                memory.undoing.undo(name, one.undone)
            memory.sessions.set_private(name, private=one.private)
            memory.sessions.archive(name, archived=one.archived)
            memory.notes.change_tags(name, ["x"] if one.tagged else [])
            memory.projects.move(name, "p" if one.in_project else None)
        memory.sessions.create("tagged", settings=Settings())
        memory.notes.change_tags("tagged", ["x"])


def _meant(name: str, one: Other, asked: list[str]) -> bool:
    by_name = {"work": "work", "play": "play", '"red, white"': "red, white", '"all"': "all"}
    found = "all" in asked or name in [by_name.get(source) for source in asked]
    return found or (one.tagged and "tag:x" in asked) or (one.in_project and "project:p" in asked)


@tried(100, 5)
@given(st.lists(others, min_size=len(NAMES), max_size=len(NAMES)), sources)
def test_whatever_is_recalled_may_be_sent(sessions: list[Other], asked: list[str]) -> None:
    """Everything asked for comes back, and nothing of a private or archived session, or that was undone or not meant.

    A session's fork that is not private has what both share, unless the other one is private.
    """
    every = [one.word(name, n) for name, one in zip(NAMES, sessions, strict=True) for n in range(1, one.exchanges + 1)]
    with TemporaryDirectory() as folder:
        path = Path(folder, "logs.db")
        _built(path, sessions)
        with Memory(path) as memory:
            found = set()
            for word in every:
                settings = Settings(recall_from=", ".join(asked))
                made = memory.requests.context("tagged", f"Where is {word}?", 8_000, asked=settings)
                found |= _words(memory, made.recalled)
    expected = set()
    for name, one in zip(NAMES, sessions, strict=True):
        left = one.exchanges - (one.undone if one.undone < one.exchanges else 0)
        own = range(1, left + 1) if not (one.private or one.archived) and _meant(name, one, asked) else ()
        shared = range(1, one.exchanges + 1) if one.forked and "all" in asked and not one.private else ()
        expected |= {one.word(name, n) for n in (*own, *shared)}
    assert found == expected


def _words(memory: Memory, recalled: tuple[Recalled, ...]) -> set[str]:
    """Return the words that came back, after checking that each excerpt is where it says."""
    found = set()
    for one in recalled:
        session = memory.sessions.get(one.session)
        assert session.thread_id == one.thread_id
        assert not session.private
        assert session.archived_utc is None
        label, _, text = one.text.partition("] ")
        assert label.startswith(f"[{names.check(one.session)} #{one.number} ")
        [exchange] = memory.sessions.exchanges(session.name, one.number, one.number)
        if one.side == "prompt":
            assert text == exchange.prompt
            found.add(text.split()[1])
    return found

"""What is kept beside conversations: notes, tags, meta values; and finding sessions by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory.model import Filters, Session, Settings
from llm_session_memory.store import Log, Notes, Sessions, session_list
from tests.store.world import built
from tests.world.logs import LogBuilder, Said


def _kept(log: Log) -> Notes:
    """Return a log with three sessions, the newest used first: c, b, a."""
    kept = Notes(log)
    for number, (name, tags, meta) in enumerate(
        [
            ("a", ["Bridge", "Lisbon"], {"client": "harbour"}),
            ("b", ["bridge"], {"client": "city", "year": "2026"}),
            ("c", [], {}),
        ]
    ):
        Sessions(log).add(Session(name, name, f"2026-09-0{number + 1}T08:00:00", Settings(f"model-{name}")))
        for tag in tags:
            kept.add_tag(name, tag)
        kept.set_meta(name, meta)
    return kept


def _names(log: Log, **filters: object) -> list[str]:
    return [line.session.name for line in session_list.page(log, filters=Filters(**filters))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ["c", "b", "a"]),
        ({"tags": ("BRIDGE",)}, ["b", "a"]),
        ({"tags": ("bridge", "lisbon")}, ["a"]),
        ({"tags": ("bridge", "Bridge")}, ["b", "a"]),
        ({"tags": ("nothing",)}, []),
        ({"tags": ("\ud800",)}, []),
        ({"meta": {"client": "city"}}, ["b"]),
        ({"meta": {"client": None}}, ["b", "a"]),
        ({"meta": {"client": "city", "year": None}, "tags": ("bridge",)}, ["b"]),
        ({"meta": {"client": "harbour", "year": None}}, []),
        ({"model": "model-b"}, ["b"]),
        ({"since": "2026-09-02T08:00:00"}, ["c", "b"]),
        ({"until": "2026-09-02T08:00:00"}, ["a"]),
        ({"since": "2026-09-02", "until": "2026-09-03"}, ["b"]),
    ],
    ids=str,
)
def test_filters(log: Path, filters: dict[str, object], names: list[str]) -> None:
    """A list has the sessions that match all filters; tags ignore case; `until` is exclusive."""
    with built(log) as (_, found):
        _kept(found)
        assert _names(found, **filters) == names


def test_pages_of_filtered_sessions_follow_each_other(log: Path) -> None:
    """A page continues after any session, even after one that does not match the filters."""
    with built(log) as (_, found):
        _kept(found)
        after = Sessions(found).session("c")
        assert after is not None
        first = session_list.page(found, 1, after, Filters(tags=("bridge",)))
        assert [line.session.name for line in first] == ["b"]
        second = session_list.page(found, 1, first[0].session, Filters(tags=("bridge",)))
        assert [line.session.name for line in second] == ["a"]
        assert session_list.page(found, 1, second[0].session, Filters(tags=("bridge",))) == []


def test_a_line_has_tags_and_facts(log: Path) -> None:
    """Each line of a list has its own session's tags and meta values, in order."""
    with built(log) as (_, found):
        _kept(found)
        assert [(line.tags, line.meta) for line in session_list.page(found)] == [
            ((), {}),
            (("bridge",), {"client": "city", "year": "2026"}),
            (("Bridge", "Lisbon"), {"client": "harbour"}),
        ]


def test_the_last_use_counts(log: Path) -> None:
    """`since` and `until` apply to the last prompt, not to the creation of a session."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, Said("One"))
        Sessions(found).add(Session(thread, "work", "2020-01-01T00:00:00", Settings()))
        assert _names(found, since="2026-09-01") == ["work"]
        assert _names(found, until="2026-09-01") == []


def test_the_same_tag_is_kept_once(log: Path) -> None:
    """A tag in another case or another Unicode form is the same tag; the first spelling stays."""
    with built(log) as (_, found):
        kept = Notes(found)
        for tag in ("Café", "CAFÉ", "cafe\u0301"):
            kept.add_tag("thread", tag)
        assert kept.tags("thread") == ["Café"]
        kept.delete_tag("thread", "CAFE\u0301")
        assert kept.tags("thread") == []


def test_a_log_of_an_older_version_has_nothing_kept(log: Path) -> None:
    """If the tables do not exist yet, nothing is kept or found, and reading creates no table."""
    LogBuilder(log).db.close()
    opened = Log.open(log)
    kept = Notes(opened)
    assert (kept.notes("x"), kept.tags("x"), kept.meta("x"), kept.summaries("x")) == ([], [], {}, [])
    assert (kept.threads((), {}), kept.threads(("bridge",), {})) == (None, [])
    assert not opened.columns("memory_notes")
    opened.close()

"""The filters by project, template and archive: in the list, however it is sorted, and in the search."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.model import Session, Settings
from llm_session_memory.reader.entries import Filters
from llm_session_memory.reader.listing import listing
from llm_session_memory.reader.open_log import opened
from llm_session_memory.reader.search import search
from llm_session_memory.store import Sessions
from tests.store import world
from tests.world.logs import LogBuilder, Said

BEFORE = "2026-09-01T07:00:00+00:00"


@pytest.fixture(name="path", scope="module", params=["indexed", "not indexed"])
def _path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make five sessions, one of them without exchanges, and an unnamed conversation of each of llm's generations."""
    path = tmp_path_factory.mktemp("among") / "logs.db"
    with world.built(path) as (log, store):
        log.responses(log.thread(), Said("About the bridge?"))
        log.turns(log.thread(), Said("About the bridge?"))
        for name, project, template, archived in (
            ("railing", "bridge", None, None),
            ("pillar", "bridge", "brief", BEFORE),
            ("harbour", "port", "brief, toned", None),
            ("letter", None, None, BEFORE),
        ):
            thread = log.thread()
            log.turns(thread, Said("About the bridge?"))
            with store.writing():
                Sessions(store).add(Session(thread, name, BEFORE, Settings(), project, template, archived))
        with store.writing():
            Sessions(store).add(Session(log.thread(), "empty", BEFORE, Settings(), "bridge"))
            store.run(
                "insert into memory_projects (name_key, name, created_utc) values ('bridge', 'Bridge', :at)",
                {"at": BEFORE},
            )
    if request.param == "indexed":
        with Memory(path) as memory:
            memory.search("bridge")
    return path


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (Filters(), {"railing", "pillar", "harbour", "letter", "empty", None}),
        (Filters(project="BRIDGE"), {"railing", "pillar", "empty"}),
        (Filters(project="bridge", archived=False), {"railing", "empty"}),
        (Filters(project="bridge", archived=True), {"pillar"}),
        (Filters(project="none such"), set()),
        (Filters(template="brief"), {"pillar", "harbour"}),
        (Filters(template="bri"), set()),
        (Filters(archived=True), {"pillar", "letter"}),
        (Filters(archived=False), {"railing", "harbour", "empty", None}),
        (Filters(archived=False, rated="none"), {"railing", "harbour", "empty", None}),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in vars(value).items() if v) if isinstance(value, Filters) else "",
)
def test_lists_and_searches_are_filtered(path: Path, filters: Filters, names: set[str | None]) -> None:
    """Each filter selects the same conversations in both orders of the list, and those with matches in the search."""
    with opened(path) as source:
        assert {line.name for line in listing(source, filters).lines} == names
        assert {line.name for line in listing(source, filters, sort="exchanges").lines} == names
        wanted = Filters(**{**vars(filters), "text": "bridge"})
        assert {one.line.thread_id for one in search(source, wanted).groups} == {
            line.thread_id for line in listing(source, filters).lines if line.name != "empty"
        }


def test_a_line_has_what_is_filtered(path: Path) -> None:
    """A line has its project's name, its template and when it was archived; the list has the names of all projects."""
    with opened(path) as source:
        page = listing(source, Filters(template="brief"))
    assert page.projects == ("Bridge",)
    assert [(line.project, line.template, line.archived_utc) for line in page.lines] == [
        ("port", "brief, toned", None),
        ("Bridge", "brief", BEFORE),
    ]


def test_leaving_out_the_archive_is_no_filter() -> None:
    """A list that leaves out archived sessions, as lists do, is not called filtered."""
    assert not Filters(archived=False).any
    assert Filters(archived=True).any
    assert Filters(archived=False, project="bridge").any


def test_a_log_without_sessions_has_none_of_it(tmp_path: Path) -> None:
    """In a log of plain llm, no conversation is in a project, and none is archived."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("About the bridge?"))
    with opened(path) as source:
        assert len(listing(source, Filters(archived=False)).lines) == 1
        assert listing(source, Filters(project="bridge")).lines == ()
        assert listing(source, Filters(archived=True)).lines == ()

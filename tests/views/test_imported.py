"""Rules of the pages about exchanges that were imported: what was sent is not known, and they say so."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.interchange import export_session, import_session
from tests.views.conftest import Get, serving
from tests.views.test_context import write_context
from tests.world.logs import LogBuilder, Said


def imported(path: Path, text: str) -> str:
    """Import a file into a log as the session `came`, and return its thread."""
    if not path.exists():
        with LogBuilder(path):
            pass  # the tables alone
    with Memory(path) as memory:
        return import_session(memory, io.StringIO(text), name="came").thread_id


def lines(count: int) -> str:
    """Return the simplest file: prompts and replies, with the tokens of long requests."""
    said = ({"prompt": f"prompt {n}", "response": f"reply {n}", "input_tokens": 1000 * n} for n in range(1, count + 1))
    return "".join(json.dumps(one) + "\n" for one in said)


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [1, 3], ids=["the first", "a later one"])
@pytest.mark.parametrize("exact", ["", "?exact=1"], ids=["overview", "exact"])
async def test_what_was_sent_is_not_known(tmp_path: Path, number: int, exact: str) -> None:
    """No figure, cell, difference or message claims to know more than the file said."""
    imported(tmp_path / "logs.db", lines(3))
    see = serving(tmp_path / "logs.db")
    page = await see(f"/logs/-/session/came/context/{number}{exact}")
    assert "The log does not say what else was sent." in page.shown
    assert f"{number},000 input tokens, according to the imported file" in page.shown
    for claim in ("not sent", "as it was logged", "Exactly as sent", "Since #", "counted by the server"):
        assert claim not in page.shown
    data = (await see(f"/logs/-/session/came/context/{number}.json{exact}")).json()
    assert (data["sent_is_logged"], data["not_logged_because"]) == (False, "imported")
    assert (data["fates"], data["since"], data["messages"]) == ([], None, [])


@pytest.mark.asyncio
async def test_the_replay_does_not_know_it_either(tmp_path: Path) -> None:
    """The replay names the exchanges of which it is so, and has no context window for them."""
    imported(tmp_path / "logs.db", lines(3))
    data = (await serving(tmp_path / "logs.db")("/logs/-/session/came/replay.json")).json()
    assert (data["windows"], data["not_logged"]) == ({}, [[1, 3, "imported"]])


@pytest.mark.asyncio
async def test_a_replay_without_times_plays_at_a_steady_pace(tmp_path: Path) -> None:
    """An import may know no times: longer replies take longer, and the data says that the pace is made up."""
    long = {"prompt": "And at length?", "response": "a" * 100}
    imported(tmp_path / "logs.db", lines(2) + json.dumps(long) + "\n" + json.dumps({**long, "duration_ms": 70}) + "\n")
    data = (await serving(tmp_path / "logs.db")("/logs/-/session/came/replay.json")).json()
    found = [(scene["pause"], scene["run"], scene["paced"]) for scene in data["scenes"]]
    assert found == [(0, 500, True), (2000, 500, True), (2000, 1200, True), (2000, 70, False)]


@pytest.mark.asyncio
async def test_what_is_said_after_an_import_is_known(tmp_path: Path) -> None:
    """llm goes on with what the log has of the last exchange, and that is shown; nothing is compared to the unknown."""
    path = tmp_path / "logs.db"
    thread = imported(path, lines(2))
    with LogBuilder(path) as log:
        other = log.thread()
        log.turns(other, Said("prompt 2", "reply 2"))
        log._chains[thread] = log._chains[other]
        log.turns(thread, Said("prompt 3", tokens=(30, 2)), Said("prompt 4", tokens=(40, 2)))
    see = serving(path)
    third = (await see("/logs/-/session/came/context/3.json")).json()
    assert third["sent_is_logged"] is True
    assert third["fates"] == [{"first": 1, "last": 1, "fate": "pruned"}, {"first": 2, "last": 2, "fate": "recent"}]
    assert third["since"] is None
    assert (await see("/logs/-/session/came/context/4.json")).json()["since"]["came_in"] == ["#3"]
    replay = (await see("/logs/-/session/came/replay.json")).json()
    assert replay["not_logged"] == [[1, 2, "imported"]]
    assert replay["windows"] == {
        "3": [30, None, None, 2, [], [], None, []],
        "4": [40, None, None, 2, [], [], None, []],
    }


@pytest.mark.asyncio
async def test_a_choice_that_the_file_records_is_shown_without_messages(tmp_path: Path) -> None:
    """An export says what was chosen, but not what was sent: the fates stand, and no message is made up."""
    write_context(tmp_path / "theirs.db")
    file = tmp_path / "work.jsonl"
    with Memory(tmp_path / "theirs.db") as memory:
        export_session(memory, "work", file)
    path = tmp_path / "logs.db"
    imported(path, file.read_text("utf-8").replace('"2026"', '"2026-09-01T08:00:00+00:00"'))
    here, there = serving(path), serving(tmp_path / "theirs.db")
    for number in (7, 8):
        data = (await here(f"/logs/-/session/came/context/{number}.json")).json()
        theirs = (await there(f"/theirs/-/session/work/context/{number}.json")).json()
        assert (data["sent_is_logged"], data["messages"], data["since"]) == (False, [], None)
        assert data["recorded"]["budget"] == 250
        whole = [[run for run in one["fates"] if run["fate"] in ("recent", "pinned")] for one in (data, theirs)]
        assert whole[0] == whole[1]
        page = await here(f"/logs/-/session/came/context/{number}")
        assert "The file says what was chosen for it, but not how it was sent" in page.shown
        assert "In the order it was sent" not in page.shown


PLAIN = [
    pytest.param(1, [10, None, None, 1, [], [], None, []], id="the first"),
    pytest.param(3, [30, None, None, 1, [], [], None, []], id="the whole conversation"),
    pytest.param(4, [None, None, None, 4, [], [], None, []], id="alone, by another process"),
    pytest.param(6, [None, None, None, 4, [], [], None, []], id="after that one"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("number", "expected"), PLAIN)
async def test_a_replay_of_plain_llm_shows_what_was_sent(tmp_path: Path, number: int, expected: list[object]) -> None:
    """No session chose anything, but the log has each request: exchanges that were sent are not shown as left out."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {n}", tokens=(10 * n, 2)) for n in range(1, 4)))
        log.unseen(thread, Said("alone"))
        log.turns(thread, Said("prompt 5"), Said("prompt 6"))
    see: Get = serving(path)
    assert (await see(f"/logs/-/session/{thread}/replay.json")).json()["windows"][str(number)] == expected

"""Rules of the page that replays a session."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import llm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasette_session_views.show.replay import dressed, embedded
from datasette_session_views.show.showing import Showing
from llm_session_memory.insight import replay
from llm_session_memory.insight.catalogue import catalogue
from llm_session_memory.insight.run import run
from llm_session_memory.insight.scenes import scenes
from llm_session_memory.reader.values import Attempt, Call, Exchange
from llm_session_memory.reader.values import Said as SaidBy
from tests.reader.test_markup import checked
from tests.views.anything import MESSAGE, NOWHERE, TEXT
from tests.views.conftest import Answer, Get, Tags, serving, shape
from tests.world.everything import Session, World, with_blocks, with_rating, with_recall, with_sessions
from tests.world.logs import START, LogBuilder, Said


@given(st.recursive(st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_data_in_the_page_says_the_same_and_closes_nothing(value: object) -> None:
    """The script tag with the data contains no character that starts or ends a tag, whatever a model wrote."""
    text = embedded(value)
    assert json.loads(text) == value
    assert not re.search("[<>&\u2028\u2029]", text)


def data_of(page: Answer) -> dict[str, Any]:
    """Return the data of a page with its texts, which are stored separately in pieces."""
    tag = r'<script type="application/json" {}>(.*?)</script>'
    data: dict[str, Any]
    (data,) = (json.loads(found) for found in re.findall(tag.format('id="sv-data"'), page.text, re.DOTALL))
    texts = [
        one for found in re.findall(tag.format('class="sv-texts"'), page.text, re.DOTALL) for one in json.loads(found)
    ]
    for name in ("together", "rendered", "rendered_url", "speeds"):
        del data[name]
    data["scenes"] = [
        {**scene, "before": before, "after": after}
        for scene, (before, after) in zip(data["scenes"], texts, strict=True)
    ]
    return data


MARKDOWN = """The **tide**, [as][x] `told`:

- low at 09:42
- [high](javascript:window.ran=1) <img src=x onerror=window.ran=1>

| day | water |
|---|--:|
| 14 | 0.42 🌊 |

```python
week = 14  # foundations
```
"""

HOSTILE = "</script><script>window.ran = 1</script><!--<script>\u2028</SCRIPT >"


def write_replay(path: Path) -> Session:
    """Make a session of six exchanges with everything a replay marks: a tool call, a cut, a pin, a failure, a pause."""
    from tests.world.logs import Call

    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(
            thread,
            Said("first prompt", "a" * 100, tokens=(10, 4), at=START, duration_ms=1000),
            Said("second prompt", "b" * 100, tokens=(20, 4), at=START + timedelta(seconds=2), duration_ms=1000),
            Said("third prompt", HOSTILE, tokens=(30, 4), at=START + timedelta(hours=1), duration_ms=1000),
            Said("fourth prompt", calls=(Call("tide", {"a": 1}, "7 rows"),), at=START + timedelta(hours=2)),
            Said("fifth prompt", MARKDOWN, at=START + timedelta(hours=3), duration_ms=2000),
        )
    session = Session(
        thread, "work", [turns[0], turns[1], turns[2], turns[3], turns[5]], pinned=(turns[1],),
        attempts=[(f"{turns[-1][:-1]}z", "sixth prompt", "The model runner stopped.")],
    )  # fmt: skip
    with_sessions(path, session)
    with_blocks(path, session, 3)
    with_recall(path, turns[5], turns[0], "prompt")
    with_rating(path, thread, turns[1], "up", label="The <b>turn</b>")
    return session


@pytest.fixture(name="play", scope="module")
def _play(tmp_path_factory: pytest.TempPathFactory) -> Get:
    path = tmp_path_factory.mktemp("replay") / "logs.db"
    write_replay(path)
    return serving(path)


@pytest.mark.asyncio
async def test_a_replay_has_every_call_in_time(play: Get) -> None:
    """A replay has calls and failed prompts in order, with their pauses, inputs and outputs."""
    page = (await play("/logs/-/session/work/replay.json")).json()
    found = page["scenes"]
    assert [scene["number"] for scene in found] == [1, 2, 3, 4, 4, 5, None]
    assert [scene["pause"] for scene in found[:4]] == [0, 1000, 3_597_000, 3_599_000]
    assert [scene["run"] for scene in found] == [1000, 1000, 1000, 800, 800, 2000, 1200]
    assert found[0]["before"] == [["you", "", "first prompt"]]
    assert found[0]["after"] == [["reply", "", "a" * 100]]
    assert found[4]["before"] == [["tool_result", "tide", "7 rows"]]
    assert found[6]["after"] == [["reply", "", "half a"], ["failed", "", "The model runner stopped."]]
    assert [scene["marks"] for scene in found] == [[], ["pin"], [], ["tool", "cut"], [], [], ["failed"]]


@pytest.mark.asyncio
async def test_labels_of_exchanges_are_chapters(play: Get) -> None:
    """A labelled exchange begins a chapter of that name."""
    assert (await play("/logs/-/session/work/replay.json")).json()["chapters"] == {"2": "The <b>turn</b>"}


@pytest.mark.asyncio
async def test_the_window_moves_with_it(play: Get) -> None:
    """Each exchange has its recorded tokens, budget, window, first whole exchange, pins and recalls."""
    windows = (await play("/logs/-/session/work/replay.json")).json()["windows"]
    assert windows["1"] == [10, 4096, 8192, 1, [], [], None, [0, 0, 0, 0, 0, 10]]
    assert windows["4"][:7] == [2130, 4096, 8192, 2, [], [], None]
    assert windows["5"][:7] == [2130, 4096, 8192, 2, [], [1], None]
    assert windows["5"][7][4] == 48


@pytest.mark.asyncio
async def test_what_pruning_saved_is_what_the_dashboard_says(tmp_path: Path) -> None:
    """The tokens saved add up to those of the dashboard's query, for this session only."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        sizes = (100, 200, 300, 120, 230, 340)
        turns = log.turns(thread, *(Said("prompt " * 9, tokens=(size, 20)) for size in sizes), block=3)
        others = log.turns(log.thread(), *(Said("elsewhere", tokens=(size, 9)) for size in (700, 10, 20)), block=1)
    session = Session(thread, "work", turns)
    with_sessions(path, session)
    with_blocks(path, session, 3)

    async def saved() -> float:
        found = (await serving(path)("/logs/-/session/work/replay.json")).json()["scenes"]
        return float(sum(scene["saved"] for scene in found))

    def of_all() -> int:
        columns, rows = run(path, catalogue()["sessions_tokens_saved"], {})
        return int(sum(row[columns.index("tokens_saved_about")] for row in rows))

    assert await saved() == pytest.approx(of_all(), abs=1)
    assert await saved() > 100
    before = await saved()
    connection = sqlite3.connect(path)
    for place, turn_id in enumerate(others):
        values = (turn_id, "other", 1 + place % 2, turn_id, place + 1, None, 100, 2130, None)
        connection.execute("insert into memory_contexts values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()
    assert await saved() == before
    assert of_all() > before + 100


@pytest.mark.asyncio
async def test_without_javascript_the_page_is_the_transcript(play: Get) -> None:
    """Without JavaScript the page has the messages and a notice, and the player is hidden."""
    page = await play("/logs/-/session/work/replay")
    tags = Tags(page.text)
    assert "noscript" in tags.names()
    assert "The replay needs JavaScript." in page.shown
    assert page.shown.index("first prompt") < page.shown.index("fifth prompt") < page.shown.index("sixth prompt")
    (player,) = [attributes for tag, attributes in tags.found if attributes.get("id") == "sv-replay"]
    assert "hidden" in player


PLAYER = """main replay said now poster begin poster-words paced card-window context fill window-words cells in out cost
saved card-chapters chapters marks seek before play after time length left speed more others idle kind jump copy help
full where clock model keys single data"""


@pytest.mark.asyncio
async def test_the_page_has_every_element_the_player_needs(play: Get) -> None:
    """The page has the stage, rail, scrubber, controls, clocks and keys once each, in this order."""
    tags = Tags((await play("/logs/-/session/work/replay")).text)
    ids = [str(attributes["id"]) for _, attributes in tags.found if "id" in attributes]
    assert [id_ for id_ in ids if id_.startswith("sv-")] == [f"sv-{name}" for name in PLAYER.split()]
    controls = [one for one in shape(tags) if one.startswith(("button", "select", "canvas", "dialog"))]
    own = controls[controls.index("canvas.") :]  # Datasette 1.0's page begins with a button of its own
    assert own == [
        "canvas.", "button.", "button.sv-play", "button.", "select.", "button.", "select.", "select.", "button.",
        "button.", "button.", "button.", "dialog.", "button.",
    ]  # fmt: skip


@pytest.mark.asyncio
async def test_text_that_closes_the_tag_stays_in_it(play: Get) -> None:
    """The page's data is the same as its JSON, and a reply can't close the script tag."""
    page = await play("/logs/-/session/work/replay")
    twin = (await play("/logs/-/session/work/replay.json")).json()
    assert twin.pop("html_url") == "http://localhost/logs/-/session/work/replay"
    assert {"ok": True, **data_of(page)} == twin
    assert "</script><script>window.ran" in twin["scenes"][2]["after"][0][2]
    assert "<script>window.ran" not in page.text
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]


@pytest.mark.asyncio
async def test_messages_come_rendered_a_few_exchanges_at_a_time(play: Get) -> None:
    """Replies are rendered as Markdown and tool output as code, scene by scene; plain text is not rendered."""
    found = (await play("/logs/-/session/work/replay.json?rendered=3")).json()
    twin = (await play("/logs/-/session/work/replay.json")).json()
    assert list(found["rendered"]) == [scene["id"] for scene in twin["scenes"][2:]]
    (before, after), _, (result, _), *_, (_, failed) = found["rendered"].values()
    assert before == [None]
    assert after[0].startswith('<div class="sv-md"><p dir="auto">&lt;/script&gt;')
    assert result[0].startswith('<div class="sv-code"><pre')
    assert failed[0].startswith('<div class="sv-md"')
    assert failed[1] is None
    Tags("".join(html or "" for sides in found["rendered"].values() for side in sides for html in side))
    assert (await play("/logs/-/session/work/replay.json?rendered=9000")).json()["rendered"] == {}


@given(st.lists(MESSAGE, max_size=4).map(tuple), TEXT, TEXT)
def test_whatever_was_said_the_data_of_a_replay_is_safe(messages: tuple[SaidBy, ...], model: str, words: str) -> None:
    """The data can be encoded as UTF-8, closes no tag and hides nothing; its HTML nests and runs nothing."""
    call = Call("01", model, messages, words, 5, None, None, None, cut=words)
    attempt = Attempt("02", model, words, words, words, words, 5, None)
    found = scenes([Exchange(1, (call,))], [attempt])
    data = embedded([scene.fields() for scene in found])
    data.encode("utf-8")
    assert not re.search("[<>&\u2028\u2029\x00\x1b\u202e]", data)
    html_of = dressed(found, Showing(NOWHERE, "work", may_see_files=False))
    for scene in found:
        for pieces, html in zip((scene.before, scene.after), html_of[scene.id], strict=True):
            assert len(pieces) == len(html)
            for one in filter(None, html):
                checked(one)


@pytest.mark.asyncio
async def test_a_transcript_leads_to_its_replay_and_contexts(world: World, get: Get) -> None:
    """The header links to the replay, and each exchange links to what the model saw."""
    text = (await get("/logs/-/session/work")).text
    assert 'href="/logs/-/session/work/replay"' in text
    contexts = [f'href="/logs/-/session/work/context/{turn_id}"' in text for turn_id in world.work.turns]
    assert contexts == [True, True, False, True, True]
    for address in ("replay", "context/1"):
        assert (await get(f"/logs/-/session/{world.old}/{address}")).status == 200


@pytest.mark.asyncio
async def test_a_local_model_costs_nothing_and_the_page_says_so(world: World, get: Get) -> None:
    """If all calls were local, the page says so instead of a cost."""
    assert (await get(f"/logs/-/session/{world.unnamed}/replay.json")).json()["unpriced"] == "local"
    assert (await get("/logs/-/session/work/replay.json")).json()["unpriced"] == ""


@pytest.mark.asyncio
async def test_an_address_beyond_the_end_opens_all_of_it(play: Get) -> None:
    """A link to an exchange that does not exist plays the whole session."""
    found = (await play("/logs/-/session/work/replay.json?at=99")).json()
    assert (found["first"], found["last"]) == (1, 5)


@pytest.mark.asyncio
async def test_recalled_excerpts_are_shown_without_their_fence(tmp_path: Path) -> None:
    """Excerpts are shown before their prompt as recalled, with their numbers and without the fence."""
    path = tmp_path / "logs.db"
    ours = (
        llm.Fragment("<earlier-conversation>", "session://opening"),
        llm.Fragment("[#1 user 2026-05-01] 4 May.", "session://01abc/#1"),
        llm.Fragment("</earlier-conversation>", "session://closing"),
    )
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("4 May."), Said("And when is it?", fragments=ours))
    with_sessions(path, Session(thread, "work", turns))
    text = (await serving(path)("/logs/-/session/work/replay.json")).text
    assert '"recalled"' in text
    assert "[#1 user 2026-05-01] 4 May." in text
    assert "session://" not in text
    assert "earlier-conversation" not in text


@pytest.mark.asyncio
async def test_a_long_session_is_replayed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part has 2,000 exchanges, and a URL with a later exchange opens the part that has it."""
    assert replay.MOST == 2_000
    monkeypatch.setattr(replay, "MOST", 20)
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {n + 1}.", "ok") for n in range(30)), block=10)
    get = serving(path)
    first = (await get(f"/logs/-/session/{thread}/replay.json")).json()
    assert (first["first"], first["last"], len(first["scenes"])) == (1, 20, 20)
    page = await get(f"/logs/-/session/{thread}/replay")
    assert f'href="/logs/-/session/{thread}/replay?from=21"' in page.text
    second = (await get(f"/logs/-/session/{thread}/replay.json?at=25:3.5")).json()
    assert (second["first"], second["last"]) == (25, 30)


@pytest.mark.asyncio
async def test_an_empty_session_has_nothing_to_play(tmp_path: Path) -> None:
    """The page says that there are no exchanges and has no player."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        log.turns(log.thread(), Said("elsewhere"))
        thread = log.thread()
    with_sessions(path, Session(thread, "empty", []))
    page = await serving(path)("/logs/-/session/empty/replay")
    assert "No exchanges yet." in page.shown
    assert "sv-player" not in page.text

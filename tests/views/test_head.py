"""Rules of a transcript's head and of the outline beside it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import llm
import pytest

from datasette_session_views.show.commands import commands
from datasette_session_views.show.words import days
from datasette_session_views.web.log_path import to_name, usual_log
from llm_session_memory.reader.entries import Line
from llm_session_memory.reader.figures import Figures
from llm_session_memory.reader.values import Call, Exchange, Settings, Transcript
from tests.views.conftest import Answer, Get, Tags, serving
from tests.world.everything import Session, World, with_rating, with_rows, with_sessions
from tests.world.logs import LogBuilder, Said


def outlined(page: Answer) -> list[tuple[str, str]]:
    """Return the lines of a page's outline: where each leads, and its words."""
    part = page.text.partition('<ol id="sv-outline">')[2].partition("</ol>")[0]
    found: list[tuple[str, str]] = []
    for item in part.split("<li>")[1:]:
        tags = Tags(item.partition("</li>")[0])
        (address,) = [str(a["href"]) for tag, a in tags.found if tag == "a"]
        found.append((address, " ".join(tags.text.split())))
    return found


# -- facts ------------------------------------------------------------------------

DAYS = [
    ("2026-11-20T08:00:00+00:00", "2026-11-20T09:00:00+00:00", "20 Nov 2026"),
    ("2026-11-20T08:00:00+00:00", "2026-11-22T09:00:00+00:00", "20–22 Nov 2026"),
    ("2026-11-28T08:00:00+00:00", "2026-12-03T09:00:00+00:00", "28 Nov – 3 Dec 2026"),
    ("2025-12-28T08:00:00+00:00", "2026-01-03T09:00:00+00:00", "28 Dec 2025 – 3 Jan 2026"),
    ("2026-11-20T08:00:00+00:00", "", "20 Nov 2026"),
    ("no time", "no time", "no time"),
]


@pytest.mark.parametrize(("first", "last", "words"), DAYS)
def test_a_span_of_days_names_what_differs(first: str, last: str, words: str) -> None:
    """A month or a year that both ends share is written once."""
    assert days(first, last) == words


@pytest.mark.asyncio
async def test_the_facts_are_chips_with_exact_values(get: Get, world: World) -> None:
    """Numbers are short, and the tooltip has them exactly; a session that used several models names all of them."""
    page = await get("/logs/-/session/work")
    assert "4 exchanges gpt-4o-mini 1 Sep 2026 last used" in page.shown
    assert "3.1k → 1.1k tokens" in page.shown
    assert 'title="3,079 tokens sent to the model, 1,056 received"' in page.text
    assert "tag Bridge tag lisbon" in page.shown
    mixed = await get(f"/logs/-/session/{world.mixed}")
    assert "2 exchanges claude-sonnet-4.5, gpt-4o-mini" in mixed.shown


# -- commands ---------------------------------------------------------------------


THREAD = "01kaz3g5t2qhx7p0a8v9w4m6cd"


def page_of(name: str | None, *, attempts: int = 0, shown: int = 3) -> Transcript:
    """Return a page of a session with so many exchanges and failed prompts; only their numbers matter."""
    line = Line(THREAD, name, "", "llama3", Figures(exchanges=shown), attempts=attempts)
    call = Call("t", "llama3", (), "", None, None, None, None)
    return Transcript(line, Settings(), tuple(Exchange(n + 1, (call,)) for n in range(shown)), (), total=shown)


def typed(page: Transcript, database: str = "") -> dict[str, str]:
    """Return the commands for a page, by what they do."""
    return {one.does: one.text for one in commands(page, database)}


def test_the_commands_are_as_a_person_would_type_them() -> None:
    """Names are quoted where a shell needs it; the way to go on is first."""
    assert typed(page_of("work")) == {
        "Continue": 'llm --session work "…"',
        "Chat": "llm chat --session work",
        "Rename": "llm sessions rename work NEW_NAME",
        "Fork": "llm sessions fork work --at 3",
    }
    assert typed(page_of("it's; rm -rf ~"))["Continue"] == """llm --session 'it'"'"'s; rm -rf ~' "…\""""
    assert typed(page_of("-x"))["Rename"] == "llm sessions rename -- -x NEW_NAME"
    assert [one.does for one in commands(page_of("work")) if one.first] == ["Continue"]


@pytest.mark.parametrize(
    ("name", "copied"),
    [
        (
            "work",
            {
                "Continue": "llm --session work -d a.db ",
                "Chat": "llm chat --session work -d a.db",
                "Rename": "llm sessions rename work -d a.db ",
                "Fork": "llm sessions fork work --at 3 -d a.db",
            },
        ),
        (
            None,
            {
                "Continue": f"llm --cid {THREAD} -d a.db ",
                "Name it": f"llm sessions name {THREAD} -d a.db ",
                "Fork": f"llm sessions fork {THREAD} --at 3 -d a.db",
            },
        ),
    ],
)
def test_a_copied_command_ends_where_a_person_types(name: str | None, copied: dict[str, str]) -> None:
    """A command that is pasted and sent at once must take no “…” or NAME literally; commands without one are whole."""
    assert {one.does: one.copied for one in commands(page_of(name), "a.db")} == copied


def test_what_fails_can_be_tried_again_and_what_has_no_name_gets_one() -> None:
    """A failed prompt brings `retry`, a conversation without a name `name`; without exchanges there is no fork."""
    assert typed(page_of("work", attempts=1))["Retry failed"] == "llm sessions retry work"
    unnamed = typed(page_of(None))
    assert unnamed["Continue"] == f'llm --cid {THREAD} "…"'
    assert unnamed["Name it"] == f"llm sessions name {THREAD} NAME"
    assert "Fork" not in typed(page_of("work", shown=0))


def test_commands_name_a_log_that_llm_would_not_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llm's own log needs no name, wherever LLM_USER_PATH puts it; every other log is given with -d."""
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))
    assert to_name(str(tmp_path / "logs.db")) == ""
    assert to_name(None) == ""
    other = to_name(str(tmp_path / "an other.db"))
    assert typed(page_of("work"), other)["Continue"] == f"""llm --session work -d '{tmp_path}/an other.db' "…\""""
    assert typed(page_of("work"), other)["Chat"].endswith(f"-d '{tmp_path}/an other.db'")


def test_llm_keeps_its_log_where_the_pages_think(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llm's folder is named by LLM_USER_PATH or is in the system's folder for settings."""
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "llm"))
    assert usual_log() == llm.user_dir() / "logs.db"
    monkeypatch.delenv("LLM_USER_PATH")
    for home in (None, str(tmp_path / "settings")):
        if home:
            monkeypatch.setenv("XDG_CONFIG_HOME", home)
        monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)  # llm makes its folder
        assert usual_log() == llm.user_dir() / "logs.db"


# -- actions ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_what_one_can_do_stands_above_the_conversation(get: Get, world: World) -> None:
    """Replay, what the model saw, the files and the data are in the head; every link of it answers."""
    page = await get("/logs/-/session/work")
    head = page.text.partition('<div class="sv-acts">')[2].partition('<dl class="sv-commands"')[0]
    (links,) = [[str(a["href"]) for tag, a in Tags(head.rpartition("</div>")[0]).found if tag == "a"]]
    assert [link.rpartition(".")[2] for link in links if "/work." in link] == ["md", "html", "jsonl", "csv", "json"]
    assert links[:2] == ["/logs/-/session/work/replay", f"/logs/-/session/work/context/{world.work.turns[-1]}"]
    for link in links:
        assert (await get(link)).status == 200, link


@pytest.mark.asyncio
async def test_a_session_leads_to_those_used_before_and_after(get: Get, world: World) -> None:
    """They are those around it in the list, which is in the order of last use."""
    page = await get("/logs/-/session/work")
    near = page.text.partition('aria-label="Other sessions"')[2].partition("</nav>")[0]
    assert [a["href"] for tag, a in Tags(f"<p {near}</p>").found if tag == "a"] == [
        f"/logs/-/session/{world.old}",
        f"/logs/-/session/{world.mixed}",
    ]


# -- outline ----------------------------------------------------------------------


@pytest.mark.asyncio
async def test_the_outline_leads_to_each_exchange(get: Get, world: World) -> None:
    """Each prompt is a line that leads to its card, also one that failed; the pinned one says so."""
    page = await get("/logs/-/session/work")
    found = outlined(page)
    cards = [str(a["id"]) for tag, a in Tags(page.text).found if tag == "article"]
    assert [address for address, _ in found] == [f"#{anchor}" for anchor in cards]
    words = [text for _, text in found]
    assert words[0] == "1 We build a bridge in Lisbon; the deadline is 4 May."
    assert words[1] == "2 ◆ pinned: Check the tide table."
    assert words[-1] == "– failed: And on the 15th?"
    assert page.shown.index("Always sent") < page.shown.index("1 We build a bridge")


@pytest.mark.asyncio
async def test_prompts_without_words_have_a_line(tmp_path: Path) -> None:
    """A prompt with nothing but a file has the file's name, a long one is cut, and a hostile one is text."""
    path = tmp_path / "logs.db"
    picture = llm.Attachment(type="image/png", url="https://tides.example/low.png")
    with LogBuilder(path) as log:
        thread = log.thread()
        said = Said("", attachments=(picture,)), Said("  \n"), Said("long " * 100), Said("<b>\u202e</b>\nsecond line")
        log.turns(thread, *said)
    words = [text for _, text in outlined(await serving(path)(f"/logs/-/session/{thread}"))]
    assert words[:2] == ["1 low.png", "2 (no text)"]
    assert words[2].endswith("long…")
    assert len(words[2]) < 100
    assert words[3] == "4 <b>⟦U+202E⟧</b> second line"


@pytest.mark.asyncio
async def test_bookmarks_are_chapters_and_lead_to_other_pages(tmp_path: Path) -> None:
    """A bookmark heads the lines that follow it; one on another page is a link that lasts."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *(Said(f"prompt {number + 1}.") for number in range(130)), block=20)
    with_sessions(path, Session(thread, "long", turns, pinned=(turns[2], turns[120])))
    with_rating(path, thread, turns[9], "", label="Foundations <b>")
    with_rating(path, thread, turns[109], "", label="The railing")
    get = serving(path)
    page = await get("/logs/-/session/long?from=101")
    assert "Prompts 101–130 of 130" in page.shown
    assert (f"#e-{turns[109]}", "The railing 110 prompt 110.") in outlined(page)
    assert "Bookmarks on other pages 10 Foundations <b>" in page.shown
    assert 'href="/logs/-/session/long/exchange/10"' in page.text
    assert 'href="/logs/-/session/long/exchange/3"' in page.text, "a pin on another page"
    assert (await get("/logs/-/session/long?from=1")).shown.count("Foundations <b>") == 2


@pytest.mark.asyncio
async def test_everything_beside_a_conversation_is_bounded(world: World, tmp_path: Path) -> None:
    """Of a great many notes, pins and snapshots some are listed, with how many more there are."""
    path = Path(shutil.copy(world.path, tmp_path / "logs.db"))
    thread = world.work.thread_id
    note = {"thread_id": thread, "author": "you", "created_utc": "2026-09-01"}
    with_rows(path, "memory_notes", *({**note, "text": f"note {n} " + "x" * 5_000} for n in range(300)))
    tag = {"thread_id": thread}
    with_rows(path, "memory_tags", *({**tag, "tag": f"tag{n}", "tag_key": f"tag{n}"} for n in range(100)))
    failed = {"thread_id": thread, "model": "m", "partial": "", "error": "HTTP 500", "request_json": "{}"}
    failed |= {"datetime_utc": "2026-09-02T08:00:00+00:00"}
    newest = world.work.turns[-1]
    attempts = ({**failed, "id": f"{newest[:-4]}z{n:03d}", "prompt": f"attempt {n}"} for n in range(300))
    with_rows(path, "memory_attempts", *attempts)
    page = await serving(path)("/logs/-/session/work")
    assert "and 281 more" in page.shown
    assert "and 90 more tags" in page.shown
    assert "201 earlier failed prompts of these exchanges are not shown." in page.talk
    assert "attempt 299" in page.talk
    assert "attempt 199" not in page.talk
    assert len(page.text) < 200_000


@pytest.mark.asyncio
async def test_a_log_of_plain_llm_has_a_head_and_an_outline(tmp_path: Path) -> None:
    """Without any of our tables there are facts, commands and prompts, and no word of notes or settings."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, Said("Where?"), Said("When?"), model="gpt-4o-mini")
    page = await serving(path)(f"/logs/-/session/{thread}")
    assert [text for _, text in outlined(page)] == ["1 Where?", "2 When?"]
    assert "2 exchanges gpt-4o-mini" in page.shown
    assert "Always sent" not in page.shown
    with closing(sqlite3.connect(path)) as connection:
        assert not connection.execute("select 1 from sqlite_master where name like 'memory%'").fetchall()

"""Rules of the transcript."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import llm
import pytest

from datasette_session_views.show.beside import options_in_words
from llm_session_memory.rules import fences
from tests.views.conftest import Get, Tags, serving
from tests.world.everything import Session, World, with_blocks, with_rating, with_recall, with_sessions
from tests.world.logs import START, LogBuilder, Said


@pytest.mark.asyncio
async def test_a_transcript_shows_what_was_said_in_order(get: Get) -> None:
    """Exchanges have their figures; prompts are as typed, replies are Markdown, code has its language."""
    page = await get("/logs/-/session/work")
    shown = page.talk
    places = [shown.index(text) for text in ("#1", "We build a bridge", "harbour office signs off", "#2", "#3", "#4")]
    assert places == sorted(places)
    assert "800 ms 310 → 220 tokens" in shown
    assert '<div class="sv-code" data-language="python">' in page.text
    assert "<strong>harbour office</strong>" in page.text
    Tags(page.text)


@pytest.mark.asyncio
async def test_what_other_people_think_is_below_the_exchange(get: Get) -> None:
    """Ratings that came with a merge or from a remote are shown as text, with their person."""
    page = await get("/logs/-/session/work")
    assert "Rated by <bdi>ana &lt;b&gt;: ★4, “&lt;i&gt;too&lt;/i&gt; long”</bdi>" in page.text


@pytest.mark.asyncio
async def test_everything_but_prompts_and_replies_is_folded(get: Get) -> None:
    """System prompt, tools, tool calls, results and fragments are each folded under one line."""
    page = await get("/logs/-/session/work")
    folds = [attributes for _, attributes in Tags(page.text).found if "sv-fold sv-k-" in str(attributes.get("class"))]
    kinds = [str(fold["class"]).removeprefix("sv-fold sv-k-") for fold in folds]
    assert kinds == ["tools", "tool", "fragment"]
    assert not [fold for fold in folds if "open" in fold]
    assert '<details class="sv-fold">\n  <summary><b>System prompt</b>' in page.text
    shown = page.shown
    assert "System prompt , 9 characters Be brief." in shown
    assert 'Tool call tide_table (place="Lisbon <b>") → 7 rows' in shown
    assert "Fragment notes.txt, 30 characters" in shown


@pytest.mark.asyncio
async def test_attachments_are_shown_or_linked(get: Get) -> None:
    """Images are shown, and other attachments are links."""
    page = await get("/logs/-/session/work")
    (image,) = [attributes for tag, attributes in Tags(page.text).found if tag == "img"]
    assert str(image["src"]).startswith("/logs/-/sessions/attachment/")
    assert image["alt"]
    assert "Attachment: text/plain, 25 bytes" in page.shown


@pytest.mark.asyncio
async def test_pauses_pins_notes_and_failed_attempts_are_marked(get: Get) -> None:
    """Long pauses and pins are marked, failed prompts are shown in order, and notes are in the sidebar."""
    shown = (await get("/logs/-/session/work")).shown
    assert "9 hours later" in shown
    assert "#2 ◆ pinned" in shown
    assert "Failed prompt 2026-09-01 14:20 1.2 s not answered row You And on the 15th?" in shown
    assert (
        "gpt-4o-mini half a Failed: The model runner stopped (HTTP 500). Send it again with llm sessions retry" in shown
    )
    talk = (await get("/logs/-/session/work")).talk
    assert talk.index("Sleep well.") < talk.index("And on the 15th?")
    assert "“The deadline is 4 May.” you, 1 Sep 2026" in shown


@pytest.mark.asyncio
async def test_the_start_of_a_block_is_marked(tmp_path: Path) -> None:
    """At the start of a block the page says which exchanges are no longer sent, and why."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *(Said(f"prompt {number}") for number in range(8)))
    session = Session(thread, "work", turns)
    with_sessions(path, session)
    with_blocks(path, session, 6)
    with_recall(path, turns[7], turns[1], "prompt")
    page = await serving(path)("/logs/-/session/work")
    cut = "From here on, exchanges before #4 are no longer sent (the budget was full)."
    assert cut in page.shown
    assert f"{cut} They stay in the log." in page.shown
    assert page.talk.index("prompt 5") < page.talk.index(cut) < page.talk.index("prompt 6")
    assert "Recalled for this prompt 1 excerpt, 48 tokens: #2 (prompt) #2" in page.shown
    assert "#8 : about 2,130 of 4,096 tokens; sent in full from #4" in page.shown


@pytest.mark.asyncio
async def test_the_start_of_a_block_says_that_the_policy_recalls(tmp_path: Path) -> None:
    """If the policy recalls, what is no longer sent isn't lost, and the page says so."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *(Said(f"prompt {number}") for number in range(8)))
    session = Session(thread, "work", turns)
    with_sessions(path, session)
    with_blocks(path, session, 6)
    connection = sqlite3.connect(path)
    connection.execute("update memory_blocks set policy = 'summary,recall'")
    connection.commit()
    connection.close()
    page = await serving(path)("/logs/-/session/work")
    assert "(the budget was full). Their relevant parts are still recalled." in page.shown


@pytest.mark.asyncio
async def test_an_exchange_that_several_excerpts_are_from_is_named_once(tmp_path: Path) -> None:
    """It has the words that found all of them, and one that was found by none leaves no empty brackets."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *(Said(f"prompt {number}") for number in range(8)))
    with_sessions(path, Session(thread, "work", turns))
    with_recall(path, turns[7], turns[1], "prompt")
    with closing(sqlite3.connect(path)) as connection:
        again = "select turn_id, 2, passage_id, number, 2, score, tokens, :words, thread_id from memory_recalls"
        connection.execute(f"insert into memory_recalls {again}", {"words": "[]"})
        connection.commit()
        see = serving(path)
        assert (
            "Recalled for this prompt 2 excerpts, 96 tokens: #2 (prompt) #2"
            in (await see("/logs/-/session/work")).shown
        )
        connection.execute("update memory_recalls set words_json = '[]'")
        connection.commit()
        assert "Recalled for this prompt 2 excerpts, 96 tokens: #2 #2" in (await see("/logs/-/session/work")).shown


@pytest.mark.asyncio
async def test_the_settings_say_where_it_recalls_from_and_that_it_is_private(tmp_path: Path) -> None:
    """Both are in the sidebar if they are set, and in no other case."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("prompt 1"))
    with_sessions(path, Session(thread, "work", turns))
    see = serving(path)
    shown = (await see("/logs/-/session/work")).shown
    assert "Recall from" not in shown
    assert "Private" not in shown
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update memory_sessions set private = 1, recall_from = 'play <b>,tag:x'")
        connection.commit()
    assert "Recall from play <b>,tag:x Private yes" in (await see("/logs/-/session/work")).shown


DEADLINE = "[#1 user 2026-05-01] The deadline is 4 May."


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "ours",
    [
        (llm.Fragment(f"{fences.OPENING}\n{DEADLINE}\n{fences.CLOSING}", "session://01abc/excerpts"),),
        (
            llm.Fragment(fences.OPENING, "session://opening"),
            llm.Fragment(DEADLINE, "session://01abc/#1"),
            llm.Fragment(fences.CLOSING, "session://closing"),
        ),
    ],
    ids=["one fragment", "a fragment each, as in older logs"],
)
async def test_recalled_excerpts_are_folded_without_their_fence(tmp_path: Path, ours: tuple[llm.Fragment, ...]) -> None:
    """A prompt is shown as typed; its excerpts are folded under one line, without the fence."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("The deadline is 4 May."), Said("And when is it?", fragments=ours))
    with_sessions(path, Session(thread, "work", turns))
    page = await serving(path)("/logs/-/session/work")
    recalled = "Recalled for this prompt 1 excerpt: #1 [#1 user 2026-05-01] The deadline is 4 May."
    assert f"You And when is it? scripted {recalled} Noted." in page.shown
    assert "earlier-conversation" not in page.text
    for form in ("md", "html"):
        written = (await serving(path)(f"/logs/-/session/work.{form}")).text
        assert "The deadline is 4 May." in written
        assert "earlier-conversation" not in written
    assert [tag["open"] for name, tag in Tags(page.text).found if name == "details" and "open" in tag] == []


@pytest.mark.asyncio
async def test_a_pause_is_known_between_times_with_and_without_a_zone(tmp_path: Path) -> None:
    """Times with and without a time zone are both UTC."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        first, _ = log.turns(thread, Said("When?"), Said("And then?"))
        log.db.execute("update turns set datetime_utc = '2026-08-31T08:00:00' where id = ?", [first])
        log.db.conn.commit()
    assert "1 day later" in (await serving(path)(f"/logs/-/session/{thread}")).shown


@pytest.mark.asyncio
async def test_an_old_conversation_reads_as_a_new_one(world: World, get: Get) -> None:
    """Conversations from an older llm have the same page, with their tool calls."""
    shown = (await get(f"/logs/-/session/{world.old}")).shown
    assert "You What is FTS5 in SQLite? gpt-4o-mini Tool call look (a=1) → found" in shown
    assert "Result found A search engine." in shown
    assert "1 exchange gpt-4o-mini" in shown


@pytest.mark.asyncio
async def test_a_conversation_of_both_generations_is_one_transcript(world: World, get: Get) -> None:
    """Exchanges from current llm follow those from an older one."""
    shown = (await get(f"/logs/-/session/{world.mixed}")).shown
    assert shown.index("By an old llm.") < shown.rindex("#2") < shown.index("By today's llm.")


@pytest.mark.asyncio
@pytest.mark.parametrize("reference", ["work", "WORK", " work ", "{id}"])
async def test_a_session_is_found_by_name_or_id(world: World, get: Get, reference: str) -> None:
    """A name in any case and the conversation's id open the same page."""
    page = await get(f"/logs/-/session/{reference.format(id=world.work.thread_id).replace(' ', '+')}.json")
    assert page.status == 200
    assert page.json()["name"] == "work"


@pytest.mark.asyncio
@pytest.mark.parametrize("form", ["", ".json", ".md", ".html", ".jsonl"])
async def test_an_unknown_session_is_not_found(get: Get, form: str) -> None:
    """An unknown name gets a 404, in HTML and JSON."""
    page = await get(f"/logs/-/session/nothing~3Cb~3E{form}")
    assert page.status == 404
    if form == ".json":
        assert page.json() == {**page.json(), "ok": False, "status": 404}


@pytest.fixture(name="long", scope="module")
def _long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a session of 130 exchanges."""
    path = tmp_path_factory.mktemp("long") / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *(Said(f"prompt {number + 1}.") for number in range(130)), block=20)
    with_sessions(path, Session(thread, "long", turns))
    return path


PAGES = [
    pytest.param("", 81, 130, id="the newest 50 by default"),
    pytest.param("?from=1", 1, 50, id="the first"),
    pytest.param("?from=101", 101, 130, id="the last, from a number"),
    pytest.param("?from=999", 130, 130, id="after the last"),
    pytest.param("?from=0", 1, 50, id="before the first"),
    pytest.param("?from=-3", 1, 50, id="a negative number"),
    pytest.param("?from=99999999999999999999", 130, 130, id="a number that is too long"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("query", "first", "last"), PAGES)
async def test_long_sessions_come_in_pages_of_50(long: Path, query: str, first: int, last: int) -> None:
    """A page has 50 exchanges from any number, and each has its id and its number as places to lead to."""
    get = serving(long)
    found = (await get(f"/logs/-/session/long.json{query}")).json()
    assert [exchange["number"] for exchange in found["exchanges"]] == list(range(first, last + 1))
    page = await get(f"/logs/-/session/long{query}")
    assert ("Exchange 130 of 130" if first == last else f"Exchanges {first}–{last} of 130") in page.shown
    anchors = [str(attributes["id"]) for _, attributes in Tags(page.text).found if attributes.get("id")]
    assert [anchor for anchor in anchors if anchor.startswith("e-") or anchor.isdecimal()] == [
        anchor for exchange in found["exchanges"] for anchor in (f"e-{exchange['id']}", str(exchange["number"]))
    ]


@pytest.mark.asyncio
async def test_the_newest_page_is_one_click_away_from_everywhere(long: Path) -> None:
    """Every page except the newest links to the newest, and every page except the first links to the first."""
    get = serving(long)
    for query in ("?from=1", "?from=51"):
        links = {
            attributes.get("href") for _, attributes in Tags((await get(f"/logs/-/session/long{query}")).text).found
        }
        assert "/logs/-/session/long" in links
    assert 'href="/logs/-/session/long?from=1"' in (await get("/logs/-/session/long")).text


@pytest.mark.asyncio
async def test_pages_lead_to_the_next_and_the_one_before(long: Path) -> None:
    """Following the links in the JSON, backwards or forwards, visits every exchange."""
    get = serving(long)
    for start, link in (("", "earlier_url"), ("?from=1", "later_url")):
        found: set[int] = set()
        address: str | None = f"/logs/-/session/long.json{start}"
        while address:
            page = (await get(address)).json()
            found |= {exchange["number"] for exchange in page["exchanges"]}
            address = page[link]
        assert found == set(range(1, 131))


@pytest.mark.asyncio
async def test_a_turn_leads_to_its_exchange(world: World, get: Get) -> None:
    """The URL of a turn redirects to the page and place of its exchange."""
    page = await get(f"/logs/-/sessions/turn/{world.work.turns[2]}")
    assert page.status == 302
    assert page.headers["location"] == f"/logs/-/session/work?from=1#e-{world.work.turns[1]}"
    assert (await get("/logs/-/sessions/turn/none")).status == 404


@pytest.mark.asyncio
async def test_the_json_has_what_the_page_has(get: Get) -> None:
    """The JSON has the same exchanges with all messages, and the page links to it."""
    page = await get("/logs/-/session/work")
    assert (
        'rel="alternate" type="application/json+datasette" href="http://localhost/logs/-/session/work.json"'
        in page.text
    )
    assert 'rel="alternate"' in page.headers["link"]
    found = (await get("/logs/-/session/work.json")).json()
    assert found["exchanges_in_all"] == 4
    kinds = [
        part["type"]
        for call in found["exchanges"][1]["calls"]
        for message in call["messages"]
        for part in message["parts"]
    ]
    assert kinds == ["text", "tool_call", "tool_result", "text"]
    assert found["attempts"][0]["error"].startswith("The model runner")
    assert found["pins"] == [2]


@pytest.mark.asyncio
async def test_the_page_leads_to_rows_and_sql(world: World, get: Get) -> None:
    """The page links to the thread's row, every turn's row and the SQL, and all links work."""
    page = await get("/logs/-/session/work")
    links = [
        str(attributes["href"]) for tag, attributes in Tags(page.text).found if tag == "a" and "href" in attributes
    ]
    assert f"/logs/threads/{world.work.thread_id}" in links
    assert f"/logs/turns/{world.work.turns[1]}" in links
    (sql,) = [link for link in links if "sql=" in link]
    answer = await get(sql, follow_redirects=True)
    assert answer.status == 200
    assert "Low water at 09:42" in answer.text


@pytest.mark.asyncio
async def test_a_session_whose_only_prompt_failed_leads_to_its_row(world: World, tmp_path: Path) -> None:
    """llm has no row of a conversation without an answer, so the page links to ours. What was given is shown."""
    request = {"fragments": [{"text": "Two piers.", "source": "plan.txt"}], "attachments": [{"type": "image/png"}]}
    log = Path(shutil.copyfile(world.path, tmp_path / "logs.db"))
    with sqlite3.connect(log) as database:
        columns = "(thread_id, name, name_key, created_utc, options_json)"
        database.execute(f"insert into memory_sessions {columns} values ('t9', 'alone', 'alone', '2026-09-01', '{{}}')")
        database.execute(
            "insert into memory_attempts"
            " values ('a9', 't9', 'm', 'Does it hold?', 'gone', '', '2026-09-01', null, ?, null)",
            [json.dumps(request)],
        )
    database.close()
    get = serving(log)
    page = await get("/logs/-/session/alone")
    assert 'href="/logs/memory_sessions/t9"' in page.text
    assert (await get("/logs/memory_sessions/t9")).status == 200
    assert "Fragment plan.txt, 10 characters" in page.shown
    assert "Attachment: image/png, 0 bytes" in page.shown


DOWNLOADS = [
    ("md", "text/markdown", "# work"),
    ("jsonl", "application/x-ndjson", '{"format": "llm-session"'),
    ("html", "text/html", "<!doctype html>"),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("form", "kind", "start"), DOWNLOADS)
async def test_downloads_have_every_exchange(long: Path, world: World, form: str, kind: str, start: str) -> None:
    """Markdown, JSONL and HTML downloads have all exchanges and attempts."""
    page = await serving(world.path)(f"/logs/-/session/work.{form}")
    assert page.headers["content-type"].startswith(kind)
    assert page.headers["content-disposition"].startswith("attachment")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.text.startswith(start)
    for said in ("We build a bridge", "Sleep well.", "Low water", "And on the 15th?"):
        assert said in page.text
    whole = (await serving(long)(f"/logs/-/session/long.{form}")).text
    assert all(f"prompt {number}." in whole for number in range(1, 131))
    part = (await serving(long)(f"/logs/-/session/long.{form}?from=7&to=8")).text
    assert [number for number in range(1, 131) if f"prompt {number}." in part] == [7, 8]


@pytest.mark.asyncio
async def test_each_line_of_a_jsonl_download_is_json(get: Get) -> None:
    """The first line is the session, and every other line is an exchange or an attempt."""
    head, *lines = [json.loads(line) for line in (await get("/logs/-/session/work.jsonl")).text.splitlines()]
    assert (head["format"], head["name"], head["exchanges"]) == ("llm-session", "work", 4)
    assert [line.get("exchange") for line in lines] == [1, 2, 3, 4, None]
    assert lines[-1]["attempt"]["prompt"] == "And on the 15th?"


@pytest.mark.asyncio
async def test_an_html_download_holds_no_script_and_loads_nothing(get: Get) -> None:
    """The file is self-contained: no scripts, no external style sheets, and only embedded pictures."""
    tags = Tags((await get("/logs/-/session/work.html")).text)
    assert not tags.names() & {"script", "link", "iframe", "form"}
    assert all(str(a["src"]).startswith("data:image/png;base64,") for tag, a in tags.found if tag == "img")


@pytest.mark.asyncio
async def test_labels_are_in_headings_as_written(tmp_path: Path) -> None:
    """Labels and models are escaped for Markdown in Markdown, and only for HTML in HTML."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("Where?"), model="a_b")
    with_sessions(path, Session(thread, "work", turns))
    with_rating(path, thread, turns[0], "up", label=r"C:\temp")
    get = serving(path)
    assert r"<bdi>C:\temp</bdi>" in (await get("/logs/-/session/work.html")).text
    assert r"*Bookmark: C:\\temp*" in (await get("/logs/-/session/work.md")).text


HOSTILE = """</div></article></section><script>alert(1)</script><img src="https://evil.example/x.png" onerror=alert(1)>
<form action="https://evil.example"><style>body{display:none}</style>\u202e\x00[x](javascript:alert(1))"""


@pytest.fixture(name="hostile", scope="module")
def _hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a log in which everything that a model, a tool or a person can write is hostile."""
    import llm

    from tests.world.logs import Call

    path = tmp_path_factory.mktemp("hostile") / "logs.db"
    bad = HOSTILE
    with LogBuilder(path) as log:
        thread = log.thread()
        said = Said(
            bad,
            bad,
            system=bad,
            fragments=(llm.Fragment(bad, bad),),
            attachments=(
                llm.Attachment(type="text/plain", content=bad.encode()),
                llm.Attachment(type="image/png", url="javascript:x"),
            ),
            calls=(Call("tool", {bad: bad}, bad),),
        )
        turns = log.turns(thread, said, model=bad[:60])
        old = log.thread()
        log.responses(old, said, model=bad[:60])
        part = "insert into parts (message_hash, position, type, {}) select message_hash, ?, ?, {} from parts"
        part += " where position = 0"
        deep = '{"name": "deep", "arguments": ' + "[" * 3000 + "]" * 3000 + "}"
        odd = '{"text_ref": 5, "attachments": [1], "arguments": "\\ud800", "name": {"a": 1}}'
        broken = b"broken \xff\xfe\xed\xa0\x80 UTF-8"
        for place, (kind, column, value) in enumerate(
            [
                ("reasoning", "text", bad),
                (bad, "payload", odd),
                ("text", "payload", odd),
                ("tool_call", "payload", deep),
                ("tool_result", "payload", "{not JSON"),
                ("text", "text", broken),
            ]
        ):
            log.db.execute(part.format(column, "cast(? as text)"), [90 + place, kind, value])
        log.db.conn.commit()
    session = Session(thread, f"name {bad[:40]}".replace("/", "|"), turns, model=bad, tags=(bad,), notes=(bad,))
    session.attempts.append(("01zzzzzzzzzzzzzzzzzzzzzzzz", bad, bad))
    with_sessions(path, session)
    return path


@pytest.mark.asyncio
async def test_a_hostile_log_breaks_no_page(hostile: Path) -> None:
    """Whatever was logged, pages nest, have only their own scripts, forms and pictures, and show the text."""
    get = serving(hostile)
    listed = (await get("/logs/-/sessions.json")).json()["sessions"]
    assert len(listed) == 2
    for one in listed:
        address = one["url"].removesuffix(".json")
        page = await get(address)
        assert page.status == 200
        tags = Tags(page.text)
        assert not [a for t, a in tags.found if any(name.startswith("on") for name in a)]
        assert {a.get("src") for t, a in tags.found if t == "script"} & {None} <= {None}
        assert [t for t, _ in tags.found].count("form") <= 2
        assert not [a for t, a in tags.found if t in ("img", "iframe", "object", "embed")]
        assert "javascript:" not in "".join(str(a.get("href")) for _, a in tags.found)
        assert "alert(1)" in page.shown
        assert "⟦U+202E⟧" in page.shown
        for form in (".json", ".md", ".jsonl", ".html"):
            assert (await get(f"{address}{form}")).status == 200
        for other in ("replay", "replay.json?rendered=1", "context/1", "context/1?exact=1", "context/1.json?exact=1"):
            beside = await get(f"{address}/{other}")
            assert beside.status == 200
            if ".json" not in other:
                tags = Tags(beside.text)
                assert not [a for t, a in tags.found if any(name.startswith("on") for name in a)]
                assert not [a for t, a in tags.found if t in ("img", "iframe", "object", "embed")]
                assert not [a for t, a in tags.found if t == "form" and a != {"method": "dialog"}]
                assert "javascript:" not in "".join(str(a.get("href")) for _, a in tags.found)
    assert (await get("/logs/-/sessions")).status == 200
    Tags((await get("/logs/-/sessions/search?q=alert")).text)


@pytest.mark.asyncio
async def test_a_message_of_5_mb_is_shown_as_far_as_a_page_can_hold(tmp_path: Path) -> None:
    """The page is cut, says how much more there is, and links to the whole text."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, Said("Much?", "word " * 1_000_000))
    get = serving(path)
    page = await get(f"/logs/-/session/{thread}")
    assert len(page.text) < 1_000_000
    assert "and 4,500,000 more characters. Download the exchange as Markdown" in page.shown
    (whole,) = [a["href"] for t, a in Tags(page.text).found if t == "a" and "to=1" in str(a.get("href"))]
    assert len((await get(str(whole))).text) > 5_000_000


@pytest.mark.asyncio
async def test_a_page_of_long_messages_is_not_too_long(tmp_path: Path) -> None:
    """If many messages are long, each is cut so that the page can hold them all."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"{number}", "long " * 40_000) for number in range(30)), block=1)
    page = await serving(path)(f"/logs/-/session/{thread}")
    assert len(page.text) < 4_000_000
    assert page.shown.count("more characters") > 5


@pytest.mark.asyncio
async def test_a_session_without_a_prompt_has_a_page(tmp_path: Path) -> None:
    """A session without prompts shows its settings."""
    path = tmp_path / "logs.db"
    with LogBuilder(path):
        pass
    with_sessions(path, Session("01m1dzpw000000000000000001", "empty", []))
    page = await serving(path)("/logs/-/session/empty")
    assert page.status == 200
    assert "No exchanges yet." in page.shown
    assert (await serving(path)("/logs/-/session/empty.jsonl")).status == 200


@pytest.mark.asyncio
async def test_new_exchanges_show_on_the_next_request(long: Path, tmp_path: Path) -> None:
    """A cached numbering is not used after the session got or lost a turn."""
    path = tmp_path / "logs.db"
    path.write_bytes(long.read_bytes())
    with LogBuilder(path) as log:
        thread = next(iter(log.db.query("select thread_id from memory_sessions")))["thread_id"]
        log.turns(thread, *(Said(f"more {n}", at=START + timedelta(days=1, minutes=n)) for n in range(150)), block=5)
    get = serving(path)
    assert (await get("/logs/-/session/long.json")).json()["exchanges_in_all"] == 280
    with LogBuilder(path) as log:
        log.turns("01m9zzzzzzzzzzzzzzzzzzzzzz", Said("another", at=START + timedelta(days=2)))
        log.unseen(thread, Said("at last", at=START + timedelta(days=3)))
    assert (await get("/logs/-/session/long.json")).json()["exchanges_in_all"] == 281
    connection = sqlite3.connect(path)
    connection.execute("delete from turns where id = (select max(id) from turns where thread_id = ?)", [thread])
    connection.commit()
    connection.close()
    assert (await get("/logs/-/session/long.json")).json()["exchanges_in_all"] == 280


@pytest.mark.asyncio
async def test_a_text_that_was_cut_to_be_sent_is_shown_whole(tmp_path: Path) -> None:
    """If a session kept the original of a text that it cut, the transcript shows the original, and the reply once."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, Said("Read this: [… cut …]", "I did."))
    with_sessions(path, Session(thread, "work", turns))
    original = [
        {"role": "user", "parts": [{"type": "text", "text": "Read this: all of it, whole"}]},
        "odd",
        {"role": 5},
    ]
    connection = sqlite3.connect(path)
    connection.execute("insert into memory_originals values (?, ?)", [turns[0], json.dumps(original)])
    connection.commit()
    connection.close()
    shown = (await serving(path)("/logs/-/session/work")).shown
    assert "Read this: all of it, whole scripted I did." in shown
    assert "[… cut …]" not in shown
    assert shown.count("I did.") == 1


@pytest.mark.parametrize(
    ("kept", "shown"),
    [('{"num_ctx": 8192, "top_p": 0.5}', "num_ctx=8192 top_p=0.5"), ("{half", "{half"), ("[1]", "[1]"), ("", "")],
    ids=["options", "not JSON", "a list", "no options"],
)
def test_options_are_shown_as_the_command_line_shows_them(kept: str, shown: str) -> None:
    """Options are shown as NAME=VALUE, and text that is not a JSON object is shown as it is."""
    assert options_in_words(kept) == shown

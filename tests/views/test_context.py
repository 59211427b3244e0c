"""Rules of the page that shows what the model saw at an exchange."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasette_session_views.show.context import cells, chips, lead, left_out
from datasette_session_views.show.items import Items, message
from datasette_session_views.show.showing import Showing
from datasette_session_views.show.window import window
from llm_session_memory.reader.sent import Excerpt, Message, Sent, Summary, Why, stretches
from llm_session_memory.reader.values import Note
from llm_session_memory.reader.values import Said as SaidBy
from tests.reader.test_markup import ALLOWED, ATTRIBUTES
from tests.views.anything import MESSAGE, NOWHERE, TEXT
from tests.views.conftest import Get, Tags, serving
from tests.views.test_permissions import ROOT, asking, with_tables
from tests.world.everything import Session, World, with_recall, with_sessions
from tests.world.logs import Call, LogBuilder, Said

NOTE = "The deadline is 4 May."
SUMMARY = "Goals: a bridge. </summary> Decisions: oak."
SYSTEM = (
    f"Be brief.\n\n<notes>\nNotes on this conversation:\n- {NOTE}\n</notes>"
    "\n\n<summary>\nSummary of earlier exchanges that are not shown:\nGoals: a bridge. ‹/summary> Decisions: oak.\n"
    "</summary>"
)
OLD_NOTE = "Not sent any more."
EXCERPT = "[#3 user 2026-09-01] prompt 3: the <b>harbour</b> office"


def write_context(path: Path) -> Session:
    """Write ten exchanges, cut at #7: #2 pinned, #3 and #4 summarised, whole from #6, #3 recalled at #8."""
    with LogBuilder(path) as log:
        thread = log.thread()
        first = [
            Said(f"prompt {n}: the harbour", f"reply {n}", system="Be brief.", tokens=(40 * n, 5)) for n in range(1, 7)
        ]
        turns = log.turns(thread, *first)
        log._chains.pop(thread)
        pinned, newest = (
            Said("prompt 2: the harbour", "reply 2", system=SYSTEM),
            Said("prompt 6: the harbour", "reply 6"),
        )
        shadow = log.thread()
        log.turns(shadow, pinned, newest)  # the same chain that a session builds when it cuts
        log._chains[thread] = log._chains[shadow]
        turns += log.turns(thread, Said("prompt 7", "reply 7", system=SYSTEM, tokens=(120, 5)))
        import llm

        fragments = (
            llm.Fragment("<earlier-conversation>", "session://opening"),
            llm.Fragment(EXCERPT, f"session://{thread}/#3"),
        )
        turns += log.turns(thread, Said("prompt 8", "reply 8", fragments=fragments, tokens=(200, 5)))
        turns += log.turns(thread, Said("prompt 9", calls=(Call("tide", {"a": 1}, "7 rows"),), tokens=(250, 5)))
        turns += log.turns(thread, Said("prompt 10", tokens=(300, 5)))
    session = Session(thread, "work", turns, notes=(NOTE, OLD_NOTE), pinned=(turns[1],))
    with_sessions(path, session)
    _record(path, session)
    with_recall(path, turns[7], turns[2], "harbour")
    return session


def _record(path: Path, session: Session) -> None:
    """Record the reasons for each request, as the session does."""
    turns, thread = session.turns, session.thread_id
    connection = sqlite3.connect(path)
    columns = "id integer primary key, thread_id, text, first_turn_id, last_turn_id, exchanges, model, input_tokens,"
    connection.execute(f"create table if not exists memory_summaries ({columns} output_tokens, duration_ms, made_utc)")
    others = ((2, "A newer one that was never sent.", "08:06:30", 4), (3, SUMMARY, "23:00:00", 6))
    for id_, text, made, last in ((1, SUMMARY, "08:06:00", 3), *others):
        row = (id_, thread, text, turns[2], turns[last], 2, "llama3", 1, 1, 1, f"2026-09-01T{made}+00:00")
        connection.execute("insert into memory_summaries values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null)", row)
    block = "insert into memory_blocks values (?, ?, ?, ?, ?, ?, ?, ?, 'asked of the server', 'x', null, 0, ?, '2026')"
    connection.execute(block, (1, thread, None, None, "[]", "summary", 250, 1000, "the first prompt"))
    pins = json.dumps([turns[1]])
    connection.execute(block, (2, thread, turns[5], 6, pins, "summary", 250, 1000, "the budget was <full>"))
    for place, turn_id in enumerate(turns):
        number = min(place + 1, 9) if place < 10 else 10
        began = turns[8] if number == 9 else turn_id
        after = turns[place - 1] if place else None
        cut = "certain: 12 tokens" if number == 10 else None
        context = (turn_id, thread, 1 if place < 6 else 2, began, number, after, 1.0, 210, cut)
        connection.execute("insert into memory_contexts values (?, ?, ?, ?, ?, ?, ?, ?, ?)", context)
    connection.commit()
    connection.close()


@pytest.fixture(name="path", scope="module")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("context") / "logs.db"
    write_context(path)
    return path


@pytest.fixture(name="see")
def _see(path: Path) -> Get:
    return serving(path)


FATES = [
    pytest.param(1, [], id="the first"),
    pytest.param(6, [(1, 5, "recent")], id="all whole while everything fits"),
    pytest.param(
        7,
        [(1, 1, "pruned"), (2, 2, "pinned"), (3, 4, "summarised"), (5, 5, "pruned"), (6, 6, "recent")],
        id="cut, with a pin and a summary",
    ),
    pytest.param(
        8,
        [
            (1, 1, "pruned"),
            (2, 2, "pinned"),
            (3, 3, "recalled"),
            (4, 4, "summarised"),
            (5, 5, "pruned"),
            (6, 7, "recent"),
        ],
        id="with an excerpt",
    ),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("number", "expected"), FATES)
async def test_each_earlier_exchange_has_the_fate_it_had_then(
    see: Get, number: int, expected: list[tuple[int, int, str]]
) -> None:
    """Every exchange is whole, pinned, recalled, summarised or not sent, as recorded in the log."""
    page = (await see(f"/logs/-/session/work/context/{number}.json")).json()
    assert [(run["first"], run["last"], run["fate"]) for run in page["fates"]] == expected
    html = await see(f"/logs/-/session/work/context/{number}")
    Tags(html.text)
    for first, last, fate in expected:
        for one in range(first, last + 1):
            assert f'class="sv-c-{fate}" href="/logs/-/session/work/exchange/{one}"' in html.text


LEADS = [
    pytest.param(1, "This is the first exchange, so there was nothing earlier to send.", "", id="the first"),
    pytest.param(2, "The model was sent the earlier exchange.", "", id="one"),
    pytest.param(6, "The model was sent all 5 earlier exchanges.", "", id="all"),
    pytest.param(
        8,
        "The model was sent 3 of 7 earlier exchanges, passages of 1 more and a summary of 1 more."
        " It saw nothing of the other 2.",
        "#1, #5 were not sent. A request of this session could have at most 250 tokens.",
        id="each fate",
    ),
]


@pytest.mark.asyncio
@pytest.mark.parametrize(("number", "sentence", "rest"), LEADS)
async def test_a_sentence_says_what_the_model_saw(see: Get, number: int, sentence: str, rest: str) -> None:
    """The page begins with it, and names what was not sent."""
    shown = (await see(f"/logs/-/session/work/context/{number}")).shown
    assert sentence in shown
    assert rest in shown
    assert ("not sent. A request" in shown) == bool(rest)


@pytest.mark.asyncio
async def test_the_page_offers_commands_that_help_a_model_to_remember(see: Get) -> None:
    """A session that left something out can pin it or send more; if nothing was left out, nothing is offered."""
    shown = (await see("/logs/-/session/work/context/8")).shown
    for command in ("llm sessions pin work -d", "llm sessions set work --max-context-tokens 500 -d"):
        assert command in shown
    assert "llm sessions pin" not in (await see("/logs/-/session/work/context/6")).shown


@pytest.mark.asyncio
async def test_the_items_say_why_they_were_sent(see: Get) -> None:
    """System prompt, note, summary, pin, newest, excerpt and prompt are in this order, each with its reason."""
    shown = (await see("/logs/-/session/work/context/8")).shown.partition("In the order it was sent")[2]
    places = [
        shown.index(words)
        for words in (
            "system prompt",
            f"{NOTE} always sent; added by you",
            "summary of 2 exchanges, made by llama3 on 1 Sep 2026",
            "pinned on 1 Sep 2026",
            "newest, sent whole",
            "recalled: score 2.5, rank 1; matched harbour 48",
            "the new prompt",
        )
    ]
    assert places == sorted(places)
    assert OLD_NOTE not in shown


@pytest.mark.asyncio
@pytest.mark.parametrize("named", [True, False], ids=["there", "deleted"])
async def test_an_excerpt_of_another_session(tmp_path: Path, *, named: bool) -> None:
    """It is no exchange of this session; both pages name its session and link to it, unless that is gone."""
    path = tmp_path / "logs.db"
    write_context(path)
    if named:
        with_sessions(path, Session("thread-of-play", "play <b>", []))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update memory_recalls set thread_id = 'thread-of-play', number = 3")
        connection.commit()
    see = serving(path)
    page = (await see("/logs/-/session/work/context/8.json")).json()
    assert [run["fate"] for run in page["fates"]] == ["pruned", "pinned", "summarised", "pruned", "recent"]
    [excerpt] = page["recalled"]
    name = "play <b>" if named else None
    assert (excerpt["session"], excerpt["thread_id"], excerpt["number"]) == (name, "thread-of-play", 3)
    whose = "“play <b>”" if named else "another session"
    assert page["since"]["came_in"] == ["#7", f"recalled #3 of {whose}"]
    html = await see("/logs/-/session/work/context/8")
    transcript = await see("/logs/-/session/work")
    assert f"recalled from {f'session {whose}' if named else whose}: score 2.5, rank 1" in html.shown
    assert f"#3 of {whose}" in transcript.shown
    link = 'href="/logs/-/session/play+~3Cb~3E/exchange/'
    assert [link in html.text, link in transcript.text] == [named] * 2
    shown = (await see("/logs/-/session/work.json")).json()
    assert [one["session"] for exchange in shown["exchanges"] for one in exchange["recalled"]] == [name]


@pytest.mark.asyncio
async def test_words_of_an_excerpt_are_marked_and_nothing_in_it_is_markup(see: Get) -> None:
    """The matched words are marked in the excerpt, and HTML in it is plain text."""
    text = (await see("/logs/-/session/work/context/8")).text
    assert "prompt 3: the &lt;b&gt;<mark>harbour</mark>&lt;/b&gt; office" in text


@pytest.mark.asyncio
async def test_the_difference_to_the_exchange_before(see: Get) -> None:
    """The page shows what is new, what is no longer sent and why, the size, and how much of the beginning stayed."""
    cut = (await see("/logs/-/session/work/context/7")).shown
    assert "New + #6, with its reply + a summary of #3–#4 + 1 note" in cut
    assert "No longer sent − #1, " not in cut
    assert "No longer sent − #1 − #3–#5 Why: the budget was <full>." in cut
    assert "Prompt cache Nothing: the beginning is different." in cut
    assert "Size 120 fewer tokens than at #6" in cut
    assert "unchanged, about" in (await see("/logs/-/session/work/context/8")).shown
    grown = (await see("/logs/-/session/work/context/8.json")).json()
    assert grown["since"]["came_in"] == ["#7", "recalled #3"]
    assert grown["since"]["fell_out"] == []
    assert grown["since"]["same_block"]
    own = sum(one["characters"] for one in grown["messages"][-1:])
    whole = sum(one["characters"] for one in grown["messages"])
    assert grown["since"]["reusable_tokens_about"] == round(200 * (whole - own) / whole)


@pytest.mark.asyncio
async def test_exactly_as_sent_is_the_chain_of_messages(see: Get) -> None:
    """Every message of the request is shown in order and in full, with what was put before the prompt."""
    page = (await see("/logs/-/session/work/context/8.json?exact=1")).json()
    roles = [message["role"] for message in page["messages"]]
    assert roles == ["system", *["user", "assistant"] * 3, "user"]
    assert page["messages"][0]["parts"] == [{"type": "text", "text": SYSTEM}]
    assert [part["text"] for part in page["messages"][-1]["parts"]] == ["<earlier-conversation>", EXCERPT, "prompt 8"]
    shown = (await see("/logs/-/session/work/context/8?exact=1")).shown
    assert "Exactly as sent: 8 messages" in shown
    assert shown.index("prompt 2: the harbour") < shown.index("prompt 7") < shown.index("prompt 8")


@pytest.mark.asyncio
async def test_each_call_of_an_exchange_has_its_own_request(see: Get) -> None:
    """The last call's request is shown, with the tool's result; the first one had no result."""
    last = (await see("/logs/-/session/work/context/9.json")).json()
    first = (await see("/logs/-/session/work/context/9.json?call=1")).json()
    assert (last["call"], first["call"], last["calls"]) == (2, 1, 2)
    assert [message["role"] for message in last["messages"][-3:]] == ["user", "assistant", "tool"]
    assert first["messages"][-1]["role"] == "user"
    shown = (await see("/logs/-/session/work/context/9")).shown
    assert "This exchange took 2 calls: call 1 call 2" in shown
    assert "the new prompt and 2 messages from its tool calls" in shown


@pytest.mark.asyncio
async def test_the_pages_of_a_long_request_are_all_of_the_same_call(tmp_path: Path) -> None:
    """The messages of an exchange's first call go on with those of that call."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        said = [Said(f"prompt {n}") for n in range(101)]
        log.turns(thread, *said, Said("The tide?", "Low.", calls=(Call("tide_table", {}, "7 rows"),)))
    page = await serving(path)(f"/logs/-/session/{thread}/context/102?exact=1&call=1&from=102")
    pages = [
        attributes["href"] for tag, attributes in Tags(page.text).found if tag == "a" and "from=" in str(attributes)
    ]
    assert [str(url).partition("?")[2] for url in pages[1:]] == ["exact=1&call=1&from=2", "exact=1&call=1&from=202"]


@pytest.mark.asyncio
async def test_a_request_in_which_deleted_text_was_blanked_says_so(path: Path) -> None:
    """The page and its JSON say when, and the other requests say nothing."""
    with sqlite3.connect(path) as connection:
        connection.execute("create table if not exists memory_changed (turn_id text primary key, changed_utc text)")
        turns = "select turn_id, '2026-09-03T08:00:00+00:00' from memory_contexts where number = 9"
        assert connection.execute(f"insert into memory_changed {turns}").rowcount > 0
    get = serving(path)
    page, before = await get("/logs/-/session/work/context/9"), await get("/logs/-/session/work/context/8")
    assert "This is not exactly what was sent" in page.text
    assert '<time datetime="2026-09-03T08:00:00Z"' in page.text
    assert "This is not exactly" not in before.text
    assert (await get("/logs/-/session/work/context/9.json")).json()["changed_utc"] == "2026-09-03T08:00:00+00:00"


@pytest.mark.asyncio
async def test_a_cut_by_the_server_is_shown(see: Get) -> None:
    """The page says how the server cut the request."""
    assert "The server cut this request. certain: 12 tokens" in (await see("/logs/-/session/work/context/10")).shown


@pytest.mark.asyncio
async def test_a_call_of_plain_llm_shows_what_was_sent_and_no_reasons(world: World, tmp_path: Path) -> None:
    """All earlier exchanges in the request are shown as sent; the page says that no reasons were recorded."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {n}", tokens=(10 * n, 2)) for n in range(1, 4)))
        log.unseen(thread, Said("alone"))
    get = serving(path)
    page = (await get(f"/logs/-/session/{thread}/context/3.json")).json()
    assert page["recorded"] is None
    assert page["fates"] == [{"first": 1, "last": 2, "fate": "recent"}]
    assert page["since"]["came_in"] == ["#2"]
    shown = (await get(f"/logs/-/session/{thread}/context/3")).shown
    assert "The log does not say that a session chose what was sent" in shown
    assert "newest" not in shown
    alone = (await get(f"/logs/-/session/{thread}/context/4.json")).json()
    assert alone["fates"] == [{"first": 1, "last": 3, "fate": "pruned"}]
    assert alone["since"]["fell_out"] == ["#1–#2"]


@pytest.mark.asyncio
async def test_a_call_of_an_old_llm_says_that_the_request_is_unknown(world: World, get: Get) -> None:
    """Until 0.31, llm did not log the whole request: the page says so and shows no picture."""
    page = await get(f"/logs/-/session/{world.old}/context/1")
    assert "This exchange was logged by an older llm" in page.shown
    assert "<svg width" not in page.text
    assert (await get(f"/logs/-/session/{world.old}/context/1.json")).json()["sent_is_logged"] is False


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "address", ["/logs/-/session/work/context/0", "/logs/-/session/work/context/11", "/logs/-/session/no/context/1",
                "/logs/-/session/work/context/99999999999999999999"],
    ids=["zero", "past the last", "no session", "too long"],
)  # fmt: skip
async def test_a_missing_exchange_is_not_found(see: Get, address: str) -> None:
    """An exchange that does not exist gets a 404, as a page and as JSON."""
    assert (await see(address)).status == 404
    assert (await see(f"{address}.json")).status == 404


@pytest.mark.asyncio
async def test_the_replay_shows_the_same_fates(see: Get) -> None:
    """The replay has tokens, budget, window, the first whole exchange, pins, excerpts and the summary's range."""
    windows = (await see("/logs/-/session/work/replay.json")).json()["windows"]
    assert windows["6"][:7] == [240, 250, 1000, 1, [], [], None]
    assert windows["7"][:7] == [120, 250, 1000, 6, [2], [], [3, 4]]
    assert windows["10"][:7] == [300, 250, 1000, 6, [2], [3], [3, 4]]
    for number, (tokens, *_, parts) in windows.items():
        assert sum(parts) == pytest.approx(tokens, abs=3), number
    system, summary, pinned, recent, recalled, prompt = windows["8"][7]
    assert recalled == 48
    assert min(system, summary, pinned, recent, prompt) > 0


@pytest.mark.asyncio
async def test_the_transcript_shows_what_a_summary_replaces(see: Get) -> None:
    """The start of the newest summary is marked; each is folded after its last exchange, as safe Markdown."""
    page = await see("/logs/-/session/work")
    tags = Tags(page.text)
    ids = [attributes["id"] for tag, attributes in tags.found if "sv-k-summary" in str(attributes.get("class"))]
    assert ids == ["summary-1", "summary-2", "summary-3"]
    assert page.text.index('id="4"') < page.text.index('id="summary-1"') < page.text.index('id="5"')
    assert "Summary of #3 to #4, made by llama3 on 1 Sep 2026 Goals: a bridge. </summary> Decisions: oak." in page.shown
    assert "From here to #7, a summary replaces the exchanges that are no longer sent." in page.shown
    assert 'href="/logs/-/session/work?from=1#summary-3"' in page.text
    found = (await see("/logs/-/session/work.json")).json()["summaries"]
    written = json.loads((await see("/logs/-/session/work.jsonl")).text.splitlines()[0])["summaries"]
    assert [{key: one.get(key) for key in found[0]} for one in written] == found
    assert [(one["first"], one["last"], one["text"]) for one in found if one["last"] == 4] == [(3, 4, SUMMARY)]


@pytest.mark.asyncio
async def test_a_locked_summary_is_only_in_what_was_sent(path: Path) -> None:
    """If the table of summaries is locked, the transcript and the replay show everything except the summaries."""
    ask = asking(path, with_tables({"memory_summaries": {"allow": ROOT}}))
    for address, there in (("", "Decisions: oak"), ("/replay", "Decisions: oak"), ("/replay.json", "[3, 4]")):
        place = f"/logs/-/session/work{address}"
        opened, closed = await ask(place, ROOT), await ask(place)
        assert (opened.status_code, closed.status_code) == (200, 200)
        assert there in opened.text.replace("[3,4]", "[3, 4]"), address
        assert there not in closed.text.replace("[3,4]", "[3, 4]"), address


@pytest.mark.asyncio
async def test_nothing_is_styled_inline(see: Get) -> None:
    """The page's policy blocks inline styles, so the picture has none."""
    page = await see("/logs/-/session/work/context/8")
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert not [attributes for _, attributes in Tags(page.text).found if "style" in attributes]
    assert 'class="sv-p-recalled"' in page.text


@pytest.mark.asyncio
async def test_long_runs_of_a_long_session_are_one_cell(tmp_path: Path) -> None:
    """A session of 404 exchanges has a short picture, with runs of the same fate combined."""
    path = tmp_path / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {n}") for n in range(404)), block=4)
    page = await serving(path)(f"/logs/-/session/{thread}/context/404")
    assert page.text.count('class="sv-c-') < 20
    assert "#1–#400" in page.shown
    assert len(page.text) < 120_000


@st.composite
def requests(draw: st.DrawFn) -> tuple[Sent, list[SaidBy]]:
    """Build a request of any messages with any recorded reasons."""
    said = draw(st.lists(MESSAGE, min_size=1, max_size=7))
    messages = [
        Message(str(place), one.role, sum(len(piece.text) for piece in one.pieces)) for place, one in enumerate(said)
    ]
    words = draw(TEXT)
    recalled = Excerpt(1, 1, 2.5, 9, (words, "a"), draw(TEXT), draw(st.booleans()))
    numbers = draw(st.lists(st.integers(1, 3), max_size=4))
    why = Why(words, 250, 1000, words, words, 210, words, 1, draw(st.integers(1, 3)), (2,), draw(st.booleans()))
    sent = Sent(
        number=4, call=1, calls=2, turn_id="01", model=words, datetime_utc=words,
        input_tokens=draw(st.integers(0, 400)), output_tokens=None, cost=0.1, tools=(words,), messages=tuple(messages),
        stretches=stretches(messages, [*numbers, 4]), total=4, why=draw(st.sampled_from([why, None])),
        excerpts=(recalled,), summary=Summary(1, 1, 2, words, words, draw(TEXT)), notes=(words,),
    )  # fmt: skip
    return sent, said


CHIP = {"bdi", "path", "rect", "svg"}
DRAWN = {"aria-hidden", "d", "height", "rx", "viewbox", "width", "x", "y"}
"""What the chip of an attachment is made of."""


@given(requests(), TEXT)
def test_whatever_was_sent_its_page_is_safe(request: tuple[Sent, list[SaidBy]], words: str) -> None:
    """Items, texts and messages nest, run and load nothing, hide nothing, and can be encoded as UTF-8."""
    sent, said = request
    showing = Showing(NOWHERE, "work", may_see_files=True)
    rows = Items(sent, said, showing, NOWHERE, "work").rows([Note(words, words, words)], {2: words})
    html = "".join(row.html + row.text for row in rows) + "".join(message(one, showing, 4) for one in said)
    html += escape("".join(f"{row.kind}{row.label}{row.why}" for row in rows))
    parts, marks = window(sent)
    html += escape(f"{parts}{marks}{chips(sent, 1_000)}{cells(sent, NOWHERE, 'work')}{lead(sent)}{left_out(sent)}")
    html.encode("utf-8")
    tags = Tags(html)
    assert tags.names() <= {*ALLOWED, "b", "mark", *CHIP}
    assert {name for _, attributes in tags.found for name in attributes} <= ATTRIBUTES | DRAWN
    assert not re.search("[\u2028\u2029\x00\x1b\u202e]", tags.text)

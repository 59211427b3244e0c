"""Rules of the cards: who speaks, what belongs together, and what is not said again."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import llm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasette_session_views.show.attached import attached
from datasette_session_views.show.called import Spoken, answers, in_line, laid_out, schema_in_line
from datasette_session_views.show.showing import Showing
from datasette_session_views.show.speech import Speech, SpeechBlock
from datasette_session_views.show.words import long_pause, pause
from llm_session_memory.reader.given import Enclosed
from llm_session_memory.reader.values import Attempt, Call, Exchange, HeldAttachment, Piece, Said
from tests.views.anything import MESSAGE, NOWHERE, TEXT
from tests.views.conftest import Answer, Tags, serving
from tests.world.logs import START, LogBuilder
from tests.world.logs import Call as Tool
from tests.world.logs import Said as Written


def call(*messages: Said, id_: str = "t1", model: str = "llama3", schema: str = "", cut: str | None = None) -> Call:
    """Return a model call with these messages."""
    return Call(id_, model, messages, "2026-09-01T08:00:00+00:00", None, None, None, None, schema=schema, cut=cut)


def user(text: str) -> Said:
    """Return a prompt."""
    return Said("user", (Piece("text", text),))


def reply(*pieces: Piece | str) -> Said:
    """Return a model's message; texts stand for pieces of text."""
    return Said("assistant", tuple(Piece("text", one) if isinstance(one, str) else one for one in pieces))


def tool(name: str, id_: str = "", text: str = "{}") -> Piece:
    """Return a tool call."""
    return Piece("tool_call", text, name, call=id_)


def result(name: str, text: str, id_: str = "") -> Piece:
    """Return a tool's result."""
    return Piece("tool_result", text, name, call=id_)


def told(*calls: Call) -> str:
    """Return the parts of an exchange as text: speakers in brackets, folds by their line, others by their text."""
    parts = Speech(Showing(NOWHERE, "work", may_see_files=True), 1).of_exchange(Exchange(1, calls), (), ())
    return " ".join(
        " ".join([f"[{part.who}]", *(f"{b.lead} {b.summary} {b.detail}".strip() or words(b.html) for b in part.blocks)])
        for part in parts
    )


def words(html: str) -> str:
    """Return the text of HTML."""
    return " ".join(Tags(html).text.split())


SPEAKERS = [
    pytest.param([call(user("Hi."), reply("Ho."))], "[You] Hi. [llama3] Ho.", id="a prompt and its reply"),
    pytest.param([call(user(" \n"), reply(""))], "[You] (no text) [llama3] (no text)", id="neither has text"),
    pytest.param([call(user("Hi."))], "[You] Hi. [llama3] (no text)", id="no message came back"),
    pytest.param([call(reply("Ho."))], "[You] (no text) [llama3] Ho.", id="no prompt was logged"),
    pytest.param(
        [call(user("Hi."), reply(tool("t")))],
        "[You] Hi. [llama3] Tool call t () → no result",
        id="a call without an answer",
    ),
    pytest.param(
        [call(user("Hi."), reply("Ho."), id_="1"), call(reply("Hu."), id_="2", model="gpt")],
        "[You] Hi. [llama3] Ho. [gpt] Hu.",
        id="two models in one exchange",
    ),
    pytest.param(
        [call(Said("system", (Piece("text", "Be brief."),)), user("Hi."), reply("Ho."))],
        "[] System prompt Be brief. [You] Hi. [llama3] Ho.",
        id="a system prompt",
    ),
    pytest.param(
        [call(user("Hi."), reply(Piece("reasoning", ""), "Ho."), model="", cut="It lost 3 tokens.")],
        "[You] Hi. [The model] The server cut this request. It lost 3 tokens. Reasoning withheld by the provider Ho.",
        id="a cut request to a model without a name",
    ),
    pytest.param(
        [call(user("Hi."), reply("{}"), schema='{"properties": {"a": {}, "b": {}}, "title": "pair"}')],
        "[You] Hi. [llama3] Schema pair: a, b {}",
        id="a schema",
    ),
]


@pytest.mark.parametrize(("calls", "shown"), SPEAKERS)
def test_who_speaks_stands_above_what_was_said(calls: list[Call], shown: str) -> None:
    """Every message is under a heading with its speaker, and what has no text says so."""
    assert told(*calls) == shown


PAIRS = [
    pytest.param(
        [tool("a", "1"), tool("a", "2"), result("a", "x", "2"), result("a", "y", "1")], {0: 3, 1: 2}, id="ids"
    ),
    pytest.param([tool("a"), tool("b"), result("b", "x"), result("a", "y")], {0: 3, 1: 2}, id="names"),
    pytest.param([tool("a"), tool("a"), result("a", "x"), result("a", "y")], {0: 2, 1: 3}, id="the order"),
    pytest.param([tool("a", "1"), result("a", "x", "2")], {}, id="another call's id"),
    pytest.param([tool("a", "1"), result("a", "x")], {0: 1}, id="an id at one side only"),
    pytest.param([result("a", "x", "1"), tool("a", "1")], {}, id="a result before its call"),
]


@pytest.mark.parametrize(("pieces", "pairs"), PAIRS)
def test_a_result_is_found_by_its_call(pieces: list[Piece], pairs: dict[int, int]) -> None:
    """A result belongs to the call with its id or, if an id is missing, to the first open call of its tool."""
    assert answers([Spoken(call(), "assistant", piece) for piece in pieces]) == pairs


def test_a_tool_call_and_its_result_are_one_block() -> None:
    """They are folded under one line, and a result without its call has its own."""
    first = call(user("Hi."), reply(tool("load", "1", '{"q": 3.0, "to": "post"}')), id_="1")
    second = call(Said("tool", (result("load", "4.5 kN", "1"), result("odd", "x", "9"))), reply("Done."), id_="2")
    shown = told(first, second)
    assert shown == '[You] Hi. [llama3] Tool call load (q=3.0, to="post") → 4.5 kN Result of odd x Done.'


def test_an_exchange_of_a_thousand_calls_is_shown_in_part() -> None:
    """The first and the last pieces are shown, with the reply, and the page says how many are left out."""
    calls = [call(user("Go."), id_="0")]
    calls += [
        call(reply(tool("t", str(n))), Said("tool", (result("t", "x", str(n)),)), id_=f"c{n}") for n in range(1000)
    ]
    shown = told(*calls, call(reply("All done."), id_="end"))
    assert shown.count("Tool call") < 100
    assert "… 1,802 parts of this exchange are left out here." in shown
    assert shown.endswith("All done.")


def test_what_comes_in_thousands_is_shown_in_part() -> None:
    """A message with many attachments, and a failed prompt with many things given, say how many more there are."""
    many = tuple(HeldAttachment(str(number), "image/png", path=f"/{number}.png") for number in range(500))
    shown = told(call(Said("user", (Piece("text", "See."), Piece("attachment", attachments=many))), reply("I see.")))
    assert shown.count("Attachment:") < 100
    assert "… and 440 more attachments [llama3] I see." in shown
    given = (
        *(Enclosed("", "x", "a") for _ in range(500)),
        *(Enclosed("", type="image/png", path="/a.png") for _ in range(500)),
    )
    attempt = Attempt("a1", "m", "Hm?", "", "gone", "", None, None, given=given)
    html = "".join(
        block.html + block.summary
        for part in Speech(Showing(NOWHERE, "work", may_see_files=True)).of_attempt(
            attempt, SpeechBlock("failed", "gone")
        )
        for block in part.blocks
    )
    assert "… and 440 more fragments" in html
    assert "… and 440 more attachments" in html
    assert html.count("Fragment") + html.count("Attachment:") < 200


def test_a_result_is_looked_for_among_the_newest_calls() -> None:
    """Otherwise the time would grow with the square of their number, if many calls have no result."""
    waiting = [tool("a", str(number)) for number in range(150)]
    for wanted, pairs in ((149, {149: 150}), (60, {60: 150}), (20, {})):
        pieces = [*waiting, result("a", "x", str(wanted))]
        assert answers([Spoken(call(), "assistant", piece) for piece in pieces]) == pairs


IN_LINE = [
    ('{"a": "b", "n": [1, 2]}', 'a="b", n=[1, 2]'),
    ("{}", ""),
    ("[1]", "[1]"),
    ("{broken", "{broken"),
    ('{"a": "' + "x" * 200 + '"}', 'a="' + "x" * 76 + "…"),
]


@pytest.mark.parametrize(("arguments", "shown"), IN_LINE)
def test_arguments_read_as_in_a_program(arguments: str, shown: str) -> None:
    """An object becomes names and values on one line, and everything else stays as it is."""
    assert in_line(arguments) == shown


def test_a_schema_names_its_properties() -> None:
    """A list is described by the properties of its items, and what is no schema by nothing."""
    inner = {"type": "object", "properties": {"name": {}, "age": {}}}
    assert (
        schema_in_line(json.dumps({"properties": {"items": {"type": "array", "items": inner}}}))
        == "a list of name, age"
    )
    assert schema_in_line(json.dumps(inner)) == "name, age"
    assert [schema_in_line(odd) for odd in ("", "[", "3", '{"properties": 1}', '{"properties": {"items": 2}}')] == [
        *[""] * 4,
        "items",
    ]


FILES = [
    pytest.param(
        HeldAttachment("1", "image/png", path="/home/me/pictures/deck.png"),
        "deck.png",
        "image/png, /home/me/pictures/deck.png",
    ),
    pytest.param(
        HeldAttachment("1", "image/png", path="C:\\pictures\\deck.png"), "deck.png", "image/png, C:\\pictures\\deck.png"
    ),
    pytest.param(
        HeldAttachment("1", "image/png", url="https://a.example/b/c.png?x=1"),
        "c.png",
        "image/png, https://a.example/b/c.png?x=1",
    ),
    pytest.param(
        HeldAttachment("1", "image/png", url="https://a.example/"), "a.example", "image/png, https://a.example/"
    ),
    pytest.param(
        HeldAttachment("1", "image/png", url="data:image/png;base64,AA"), "image/png", "data:image/png;base64,AA"
    ),
    pytest.param(HeldAttachment("1", "text/plain", size=25), "text/plain, 25 bytes", ""),
    pytest.param(HeldAttachment("1", ""), "a file", ""),
]


@pytest.mark.parametrize(("held", "name", "title"), FILES)
def test_a_file_is_a_chip_with_its_name(held: HeldAttachment, name: str, title: str) -> None:
    """The chip has the file's name, and its tooltip the type and the whole path; only web addresses are links."""
    html = attached(held, None)
    (chip,) = [attributes for _, attributes in Tags(html).found if attributes.get("class") == "sv-chip"]
    assert words(html) == f"Attachment: {name}"
    assert chip["title"] == title
    assert chip.get("href") == (held.url if (held.url or "").startswith("https:") else None)


def test_a_script_is_no_address() -> None:
    """An attachment's URL that is not on the web is no link."""
    assert "href" not in attached(HeldAttachment("1", "image/png", url="javascript:alert(1)"), None)


def test_what_was_given_with_a_failed_prompt_is_shown_with_it() -> None:
    """Its fragments and files are in the prompt's part, as with a prompt that was answered."""
    given = (Enclosed("", "Two piers.", "plan.txt"), Enclosed("", type="image/png", path="/x/deck.png"))
    attempt = Attempt("a1", "llama3", "Does it hold?", "It", "gone", "2026-09-01", None, None, given=given)
    you, model = Speech(Showing(NOWHERE, "work", may_see_files=True)).of_attempt(attempt, SpeechBlock("failed", "gone"))
    assert [(block.kind, block.detail or words(block.html)) for block in you.blocks] == [
        ("fragment", "plan.txt, 10 characters"),
        ("", "Does it hold?"),
        ("files", "Attachment: deck.png"),
    ]
    assert (model.who, [words(block.html) for block in model.blocks]) == ("llama3", ["It", "gone"])


PAUSES = [(3600, "1 hour"), (7_000, "2 hours"), (79_000, "1 day"), (172_740, "2 days"), (86_400 * 20, "3 weeks")]
PAUSES += [(86_400 * 100, "3 months"), (86_400 * 800, "2 years")]


@pytest.mark.parametrize(("seconds", "shown"), PAUSES)
def test_a_pause_is_said_roughly(seconds: float, shown: str) -> None:
    """A pause is said as a person would say it."""
    assert pause(seconds) == shown


HOUR, DAY = 3600, 86_400
GAPS = [
    ([], HOUR),
    ([None, 2 * HOUR, 3 * DAY], HOUR),
    ([None, 60, 120, 9 * HOUR, 90], HOUR),
    ([None, 2 * HOUR, 3 * HOUR, 2 * HOUR, 20 * HOUR], 6 * HOUR),
    ([DAY] * 30, 3 * DAY),
]


@pytest.mark.parametrize(("gaps", "long"), GAPS, ids=["none", "few", "quick", "slow", "daily"])
def test_a_pause_stands_out_among_the_others(gaps: list[float | None], long: float) -> None:
    """An hour is long, unless most pauses are about as long: then it takes three times the usual one."""
    assert long_pause(gaps) == long


@given(st.lists(MESSAGE, max_size=5), TEXT)
def test_whatever_was_said_its_parts_are_safe(messages: list[Said], text: str) -> None:
    """Parts nest, run and load nothing but pictures of the log, and can be encoded as UTF-8."""
    exchange = Exchange(1, (call(*messages, schema=text, model=text, cut=text), call(*messages, id_="t2")))
    parts = Speech(Showing(NOWHERE, "work", may_see_files=True), 1).of_exchange(exchange, (), ())
    html = "".join(block.html for part in parts for block in part.blocks)
    html.encode("utf-8")
    tags = Tags(html)
    assert not tags.names() & {"script", "iframe", "form", "style", "object", "embed", "link"}
    assert not [a for _, a in tags.found if any(name.startswith("on") or name == "style" for name in a)]
    assert not re.search("[\u2028\u2029\x00\x1b\u202e]", tags.text)
    assert all(part.blocks for part in parts)
    laid_out(text), in_line(text)


# -- pages -------------------------------------------------------------------


async def page_of(path: Path, *said: Written, schema: str = "") -> Answer:
    """Return the page of a conversation with these exchanges; the last one asked for a schema."""
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *said, model="llama3")
        if schema:
            log.db.table("schemas").insert({"id": "s1", "content": schema})
            log.db.execute("update turns set schema_id = 's1' where id = ?", [turns[-1]])
            log.db.conn.commit()
    return await serving(path)(f"/logs/-/session/{thread}")


@pytest.mark.asyncio
async def test_each_exchange_is_a_heading_and_each_speaker_one_below(tmp_path: Path) -> None:
    """A screen reader finds exchanges, prompts and replies by their headings."""
    page = await page_of(tmp_path / "logs.db", Written("Hi.", "Ho."), Written("And?", "So."))
    headings = re.findall(r"<h([23]) class=\"sv-[^>]*>(.*?)</h", page.text, re.DOTALL)
    found = [(level, words(f"<p>{text}</p>")) for level, text in headings]
    one = [("3", "You"), ("3", "llama3")]
    assert found[:6] == [("2", "#1"), *one, ("2", "#2"), *one]
    assert page.text.count('aria-label="Exchange #1"') == 1


@pytest.mark.asyncio
async def test_tools_are_named_once_and_when_they_change(tmp_path: Path) -> None:
    """Offered tools are not repeated above each prompt."""
    load, tide = Tool("load", {}, "1"), Tool("tide", {}, "2")
    said = [
        Written("1", calls=(load,)),
        Written("2", calls=(load,)),
        Written("3", calls=(load, tide)),
        Written("4"),
        Written("5"),
    ]
    shown = (await page_of(tmp_path / "logs.db", *said)).shown
    assert shown.count("Tools offered load") == 1
    assert shown.count("Tools offered from here on load, tide") == 1
    assert shown.count("From here on, no tools are offered.") == 1


@pytest.mark.asyncio
async def test_a_schema_is_a_fold_and_in_the_json(tmp_path: Path) -> None:
    """The page, the page of the request and their JSON have the schema that was asked for."""
    schema = {"type": "object", "properties": {"bio": {"type": "string"}}}
    path = tmp_path / "logs.db"
    page = await page_of(path, Written("Free.", "Yes."), Written("As JSON.", '{"bio": "x"}'), schema=json.dumps(schema))
    assert page.shown.count("Schema bio") == 1
    (address,) = re.findall(r'rel="alternate"[^>]*href="([^"]*)"', page.text)
    found = (await serving(path)(address)).json()
    assert [one["calls"][0]["schema"] for one in found["exchanges"]] == [None, schema]
    context = address.replace(".json", "/context/2")
    shown = (await serving(path)(context)).shown
    assert "schema bio" in shown
    assert "the schema that the reply must follow" in shown
    assert (await serving(path)(f"{context}.json")).json()["schema"] == schema


@pytest.mark.asyncio
async def test_a_picture_given_by_path_is_a_chip_in_the_prompt(tmp_path: Path) -> None:
    """The page has the file's name within the prompt, and its path only in the tooltip."""
    picture = tmp_path / "deck.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    said = Written(
        "See.", attachments=(llm.Attachment(type="image/png", path=str(picture)),), at=START + timedelta(hours=1)
    )
    page = await page_of(tmp_path / "logs.db", said)
    assert "You See. Attachment: deck.png llama3 Noted." in page.shown
    assert f'title="image/png, {picture}"' in page.text


def test_a_page_with_too_much_text_says_what_is_not_formatted() -> None:
    """What comes after more text than a page formats is shown as it was written, and says why and where to see it."""
    showing = Showing(NOWHERE, "work", may_see_files=False)
    long = f"{'word ' * 90_000}\n\n**bold**"
    assert "<strong>bold</strong>" in showing.markdown(long, 1)
    showing.markdown(long, 2)
    last = showing.markdown("**bold**\n```\ncode\n```", 3)
    assert "**bold**" in last
    assert "<pre" in last
    assert 'href="/logs/-/session/work?from=3">Show the page from #3 on</a>' in last
    assert "Not formatted" in last
    assert "Not formatted" not in showing.text("short", 4)

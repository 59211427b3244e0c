"""The HTML page: whatever was said in a session, the page only shows it."""

from __future__ import annotations

import base64
import hashlib
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from llm_session_memory.model import (
    Attachment,
    Attempt,
    Beside,
    Exchange,
    Message,
    Part,
    Session,
    Settings,
    Turn,
)
from llm_session_memory.reader.files.html import Page
from tests.interchange.world import PNG, copied, exported, import_lines
from tests.reader.test_markup import ALLOWED, FORMULAS, OF_FORMULAS
from tests.world.laws import tried

TAGS = ALLOWED | set(
    "html head meta title style body main header h1 h2 h3 p bdi time article summary b figure img".split()
)
ATTRIBUTES = {
    "html": {"lang"},
    "meta": {"charset", "http-equiv", "content", "name"},
    "time": {"datetime"},
    "article": {"id"},
    "a": {"class", "href", "rel", "title", "aria-label"},
    "div": {"class", "dir", "tabindex", "data-language", "id"},
    "pre": {"dir", "tabindex"},
    "code": {"class", "dir"},
    "img": {"src", "alt"},
    "ol": {"start", "dir"},
    "sup": {"id"},
    "span": {"class", "role", "aria-label", "tabindex"},
    **{key: {"class", "dir"} for key in ["details", "h3", "h4", "h5", "h6", "li", "p", "ul", "th", "td", "blockquote"]},
    **dict.fromkeys(FORMULAS, OF_FORMULAS),
}
LINK = re.compile(r"#e\d+|#(?:fn|fnref)-[\da-f]{8}(?:-\d+)?-\d+|https?://.*|mailto:.*", re.IGNORECASE | re.DOTALL)
IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


class Seen(HTMLParser):
    """What a browser would see of a page: tags with their attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "hr", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def all(self, tag: str, attribute: str) -> list[str | None]:
        return [attributes.get(attribute) for seen, attributes in self.tags if seen == tag]


def harmless(page: str) -> Seen:
    """Check that a page contains nothing that can act, and return it."""
    seen = Seen(page)
    assert seen.open == []
    for tag, attributes in seen.tags:
        assert tag in TAGS
        assert attributes.keys() <= ATTRIBUTES.get(tag, set())
        assert LINK.fullmatch(attributes.get("href") or "#e1")
        assert IMAGE.fullmatch(attributes.get("src") or "data:image/png;base64,AA==")
    assert page.count("<style>") == 1
    return seen


def page_of(log: Path, *lines: Any) -> str:
    name = import_lines(log, lines)
    return exported(log, name, "html")


def reply(text: str) -> dict[str, Any]:
    return {"prompt": "x", "response": text}


def parts(*parts_: dict[str, Any], role: str = "user", **more: Any) -> dict[str, Any]:
    side, other = ("output", "input") if role == "assistant" else ("input", "output")
    return {"turns": [{side: [{"role": role, "parts": list(parts_)}], other: [], **more}]}


HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "a script in Markdown's HTML": "text\n\n<div><script>alert(1)</script></div>\n\n<script src=//e.com/x.js></script>",
    "a handler": '<img src=x onerror="alert(1)"> <svg onload=alert(1)>',
    "a style": "<style>body { display: none }</style><link rel=stylesheet href=//e.com/x.css>",
    "a frame": "<iframe src=https://e.com></iframe><object data=x></object><embed src=x>",
    "a form": "<form action=https://e.com><input name=x><button>Go</button></form>",
    "the end of the page": "</div></article></main></body></html><h1>Mine</h1>",
    "a comment that is never closed": "<!-- ",
    "a javascript link": "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](java\tscript:alert(1))",
    "a javascript link in entities": "[x](&#106;avascript:alert(1)) [y](javascript&colon;alert(1))",
    "a javascript reference": "[x]\n\n[x]: javascript:alert(1)",
    "an autolink": "<javascript:alert(1)> <data:text/html,x> <file:///etc/passwd>",
    "a data link": "[x](data:text/html;base64,PHNjcmlwdD4=) ![y](data:image/svg+xml;base64,PHN2Zz4=)",
    "a file link": "[x](file:///etc/passwd) [y](//e.com/x) [z](/etc) [w](vbscript:x)",
    "a title that breaks out": "[x](https://e.com/ '\"><script>alert(1)</script>') ![y](https://e.com/ '\" onload=x')",
    "a language that breaks out": '```"><script>alert(1)</script>\ncode\n```',
    "an alternative text that breaks out": '!["><script>alert(1)</script>](https://e.com/x.png)',
    "a formula": r"\(\href{javascript:alert(1)}{x}\) \(\text{<script>alert(1)</script>}\)",
    "a table": '| <b>a</b> | b |\n|:---|---:|\n| [x](javascript:x) | "onload=x |',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_shown(fresh: Path, text: str) -> None:
    """Hostile text is shown as text wherever it is, and none of it is lost."""
    lines = [
        {"format": "llm-session", "version": 1, "system": text, "model": text},
        {"prompt": text, "response": text, "model": text, "fragments": [{"content": "x", "source": text}]},
        parts(
            {"type": "reasoning", "text": text},
            {"type": "tool_call", "name": text, "arguments": {text: text}},
            role="assistant",
        ),
        parts(
            {"type": "tool_result", "name": text, "output": text, "exception": text},
            {"type": "attachment", "attachment": {"type": text, "content": "AAAA"}},
            role="tool",
        ),
        {"attempt": {"prompt": text, "error": text, "partial": text, "model": text}},
    ]
    seen = harmless(page_of(fresh, *lines))
    assert seen.text.count(text.replace("\t", "\t")) >= 4


def test_notes_tags_and_facts_are_shown(fresh: Path) -> None:
    """Notes, tags and facts are at the top of the page, as text."""
    texts = {f"fact{number}": text for number, text in enumerate(HOSTILE.values())}
    tags = ["".join(filter(str.isprintable, text))[:60].strip() for text in texts.values()]
    notes = [{"text": f"A note: {text}"} for text in texts.values()]
    header = {"format": "llm-session", "version": 1, "notes": notes, "tags": tags, "meta": texts}
    seen = harmless(page_of(fresh, header, reply("Noted.")))
    before = seen.text[: seen.text.index("Noted.")]
    for (fact, text), tag in zip(texts.items(), tags, strict=True):
        for shown in (f"A note: {text}", " ".join(tag.split()), f"{fact}={text}"):
            assert shown in before, shown


PLACES = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(list("<>&\"'`[]()!#*_|:-\n\\ ~"))), max_size=60
)


@tried(60, 10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(PLACES | st.sampled_from(list(HOSTILE.values())), min_size=1, max_size=4).map("".join))
def test_no_text_makes_a_tag_of_its_own(template: Path, texts: str) -> None:
    """Any text, as prompt, reply, tool traffic or name, leaves the page valid and harmless."""
    with tempfile.TemporaryDirectory() as folder:
        log = copied(template, Path(folder) / "logs.db")
        call = {"type": "tool_call", "name": texts, "arguments": {"x": texts}}
        harmless(page_of(log, {**reply(texts), "model": texts or "x"}, parts(call, role="assistant")))


def test_images_of_the_web_are_links(fresh: Path) -> None:
    """Reading the page loads nothing: a remote image is a link that only a person can follow."""
    page = page_of(fresh, reply("![A pixel](https://e.com/p.png?who=me) and [the plan](https://e.com/plan)"))
    seen = harmless(page)
    assert seen.all("img", "src") == []
    assert "image, not loaded: A pixel" in seen.text
    links = [attributes for tag, attributes in seen.tags if tag == "a" and attributes.get("rel")]
    assert [link["href"] for link in links] == ["https://e.com/p.png?who=me", "https://e.com/plan"]
    assert {link["rel"] for link in links} == {"nofollow noopener noreferrer ugc"}


def test_the_page_loads_nothing(fresh: Path) -> None:
    """Its policy allows its own style, by its hash, and images within it; no script, request, frame or form."""
    page = page_of(fresh, *(reply(text) for text in HOSTILE.values()))
    (policy,) = (
        attributes["content"]
        for _, attributes in Seen(page).tags
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style


def test_markdown_in_replies_is_rendered(fresh: Path) -> None:
    """A reply's headings, lists, code and tables are rendered, with its headings below the page's own."""
    text = "# One\n\nTwo\n---\n\n- **bold**\n\n```python\nx < 1\n```\n\n| a | b |\n|--:|---|\n| 1 | ~~2~~ |\n"
    page = page_of(fresh, reply(text))
    harmless(page)
    for piece in (
        '<h3 dir="auto">One</h3>',
        '<h4 dir="auto">Two</h4>',
        "<strong>bold</strong>",
        'x &lt; <span class="hl-n">1</span>',
        '<td class="sv-right">1</td>',
        "<s>2</s>",
    ):
        assert piece in page


def test_prompts_are_shown_as_they_were_typed(fresh: Path) -> None:
    """A person's prompt is not rendered as Markdown."""
    assert '<div class="you"><div class="sv-plain" dir="auto">**not bold** &lt;b&gt;</div>' in page_of(
        fresh, {"prompt": "**not bold** <b>"}
    )


@pytest.mark.parametrize(
    ("content", "type_"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0rest", "jpeg"),
        (b"GIF89a....", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None),
        (b"%PDF-1.4", None),
        (b"", None),
    ],
)
def test_attached_images_are_in_the_page(fresh: Path, content: bytes, type_: str | None) -> None:
    """Images are shown by what their bytes are, whatever their type says. SVG and other files are only named."""
    attachment = {"type": "image/png", "content": base64.b64encode(content).decode()}
    seen = harmless(page_of(fresh, parts({"type": "attachment", "attachment": attachment})))
    encoded = f"data:image/{type_};base64,{base64.b64encode(content).decode()}"
    assert seen.all("img", "src") == ([encoded] if type_ else [])
    assert ("Attachment: image/png" in seen.text) == (type_ is None)


def test_an_attached_url_is_named(fresh: Path) -> None:
    """An attachment by URL is neither loaded nor linked, because its server would learn of the reader."""
    attachment = {"type": "image/png", "url": "https://e.com/<x>.png"}
    seen = harmless(page_of(fresh, parts({"type": "attachment", "attachment": attachment})))
    assert "Attachment: image/png https://e.com/<x>.png" in seen.text


def test_hidden_characters_in_names_are_shown(fresh: Path) -> None:
    """Direction marks, zero-width and control characters in names are shown as signs, so no name looks like another."""
    lines = {"prompt": "x", "model": "gpt\u202egnp.\u200b\x1b[31m"}
    seen = harmless(page_of(fresh, lines))
    assert "gpt⟦U+202E⟧gnp.⟦U+200B⟧␛[31m" in seen.text


def test_texts_keep_their_own_direction(fresh: Path) -> None:
    """Arabic and Hebrew are read from the right, and marks that would turn other text around are shown."""
    page = page_of(fresh, {"prompt": "שלום \u202eabc", "response": "مرحبا"})
    assert '<div class="you"><div class="sv-plain" dir="auto">שלום ⟦U+202E⟧abc</div>' in page
    assert '<div class="reply"><div class="sv-md"><p dir="auto">مرحبا</p>' in page


def test_pins_cuts_attempts_and_answers_are_there(fresh: Path) -> None:
    """The page has what the transcript has: pins, cuts by the server, failed prompts, and what answered them later."""
    block = {"policy": "window", "budget": 1, "front": "x"}
    context = {"block": 1, "base": 1, "estimate": 1, "cut": "certain", "described": block}
    turn = {"input": [], "output": [], "context": context, "input_tokens": 2104, "output_tokens": 220}
    page = page_of(
        fresh,
        {"attempt": {"prompt": "Once", "error": "gone", "partial": "half", "answered_by": 1}},
        {"pinned": True, "turns": [{**turn, "duration_ms": 3200, "datetime_utc": "2026-09-01T08:00:00+00:00"}]},
        {"attempt": {"prompt": "Twice", "error": "gone"}},
    )
    seen = harmless(page)
    for text in (
        "answered by #1",
        "pinned",
        "cut by the server",
        "2,104 → 220 tokens",
        "3.2 s",
        "2026-09-01 08:00 UTC",
    ):
        assert text in seen.text
    assert seen.text.count("Failed prompt") == 2
    assert seen.text.count("not answered") == 1


def test_the_page_says_who_speaks(fresh: Path) -> None:
    """“You” and the model's name are headings, and stand there once until somebody else speaks."""
    called = [{"type": "tool_call", "name": "t", "arguments": {}}, {"type": "text", "text": "So."}]
    turn = {"model": "llama3", "output": [{"role": "assistant", "parts": called}]}
    page = page_of(
        fresh, {"turns": [{**turn, "input": [{"role": "user", "parts": [{"type": "text", "text": "And?"}]}]}]}
    )
    assert re.findall(r"<h3[^>]*><bdi>(.*?)</bdi></h3>", page) == ["You", "llama3"]
    assert re.findall(r"<h2>.*?>(#1)<", page) == ["#1"]


def test_schemas_and_empty_texts_are_there_and_files_have_names() -> None:
    """A schema is a fold where it begins, an empty text says so, and the whole path of a file is in its tooltip."""
    picture = Part({"type": "attachment"}, (Attachment("a", "image/png", "/x/deck.png"),))
    turns = (
        Turn(
            "1", "m", (Message("user", (picture,)),), (Message.of_text("assistant", "{}"),), schema='{"type": "object"}'
        ),
        Turn(
            "2", "m", (Message.of_text("user", ""),), (Message.of_text("assistant", " "),), schema='{"type": "object"}'
        ),
    )
    page = Page(Session("t", "work", "2026-09-01T08:00:00", Settings()), lambda one: one, Beside())
    first, second = (page.exchange(Exchange(number, (turn,)), pinned=False) for number, turn in enumerate(turns, 1))
    assert '<p class="soft" title="/x/deck.png">Attachment: <bdi>image/png deck.png</bdi></p>' in first
    assert first.index("Attachment:") < first.index("<summary>Schema</summary>") < first.index('class="reply"')
    assert "(no text)" not in first
    assert "Schema" not in second
    assert second.count("(no text)") == 2


def test_what_was_given_with_a_failed_prompt_is_named() -> None:
    """Its fragments and attachments stand below it."""
    request = {
        "attachments": [{"type": "image/png", "path": "/x/deck.png"}],
        "fragments": [{"text": "x", "source": "a<b"}],
    }
    attempt = Attempt("a1", "t", "m", "Does it hold?", "gone", "", "2026-09-01T08:00:00", None, request)
    session = Session("t", "work", "2026-09-01T08:00:00", Settings())
    html = Page(session, lambda one: one, Beside()).attempt(attempt, None)
    assert '<li title="/x/deck.png"><bdi>Attachment: image/png, deck.png</bdi></li>' in html
    assert "<li><bdi>Fragment a&lt;b, 1 character</bdi></li>" in html


@pytest.mark.slow
def test_a_long_text_is_rendered_to_its_end(fresh: Path) -> None:
    """However long a reply is, all of it is Markdown; what comes after its beginning is folded."""
    page = page_of(fresh, reply("**word** " * 12_000))
    assert page.count("<strong>word</strong>") == 12_000
    assert "Show all: " in page


@pytest.mark.parametrize("text", ["> " * 60 + "end", "- > " * 400 + "end", "- " * 24 + "end", "> " * 47 + "end"])
def test_deeply_nested_text_is_not_lost(fresh: Path, text: str) -> None:
    """Quotations and lists that are nested too deeply for the renderer are shown as plain text."""
    assert "end" in harmless(page_of(fresh, reply(text))).text

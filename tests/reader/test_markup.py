"""The rules of Markdown that a model wrote: nothing in it runs or loads, and nothing is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llm_session_memory.reader.files.code import coloured
from llm_session_memory.reader.files.markup import LONGEST, is_safe_link, plain, rendered
from tests.views.conftest import Tags
from tests.world.laws import tried

ALLOWED = {
    "a", "blockquote", "br", "code", "div", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {"class", "href", "title", "rel", "dir", "tabindex", "data-language", "start"}


def checked(html: str) -> Tags:
    """Return the elements of rendered text, after checking that all of them are harmless."""
    tags = Tags(html)
    assert tags.names() <= ALLOWED
    for tag, attributes in tags.found:
        assert set(attributes) <= ATTRIBUTES, (tag, attributes)
        if "href" in attributes:
            assert re.match(r"(?i)\s*(https?|mailto):", attributes["href"] or "")
    return tags


HOSTILE = [
    pytest.param("<script>alert(1)</script>", id="script"),
    pytest.param('<img src=x onerror="alert(1)">', id="event handler"),
    pytest.param('<b style="position:fixed">x</b>', id="style"),
    pytest.param('<form action="/-/logout" method="post"><button>x', id="form"),
    pytest.param("</div></section></body>", id="tags that close the page's own"),
    pytest.param("<!-- ", id="comment that never ends"),
    pytest.param("[x](javascript:alert(1))", id="javascript link"),
    pytest.param("[x](JaVaScRiPt&colon;alert(1))", id="javascript link with an entity"),
    pytest.param("[x](\tjavascript:alert(1))", id="javascript link after a tab"),
    pytest.param("[x](data:text/html,<script>alert(1)</script>)", id="data link"),
    pytest.param("<javascript:alert(1)>", id="javascript autolink"),
    pytest.param("[x](vbscript:x) [y](file:///etc/passwd)", id="other schemes"),
    pytest.param("[x](/logs/-/logout)", id="link into the server"),
    pytest.param("[x](//evil.example)", id="link without a scheme"),
    pytest.param("![x](https://evil.example/pixel.png)", id="remote image"),
    pytest.param("![x](data:image/png;base64,AAAA)", id="image as data"),
    pytest.param('[x](https://e.example "a\\" onmouseover=alert(1) b")', id="title that breaks out"),
    pytest.param('```"><script>alert(1)</script>\nx\n```', id="language that breaks out"),
    pytest.param("| a |\n|---|\n| <script>x</script> |", id="table cell"),
    pytest.param("a\x00b", id="null byte"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_hostile_gets_through(text: str) -> None:
    """Script, handlers, styles, forms, foreign links and images come out as text, or as a link to the web."""
    checked(rendered(text))


@given(st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!#-|\\/:;=~.+ \n\tabhrefjavscipt\u202e\x00")))
@example("[a]: javascript:x\n[a]")
@settings(tried(300), deadline=200)
def test_any_text_becomes_harmless_balanced_elements(text: str) -> None:
    """Any text becomes harmless elements and attributes only, each closed within the message."""
    checked(rendered(text))
    checked(plain(text))


@given(st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=8), max_size=8), st.text(alphabet="<>[]!`*_-#> \n"))
def test_no_word_is_lost(words: list[str], noise: str) -> None:
    """Every word of a text is still there after rendering, whatever surrounds it."""
    text = noise.join(words)
    shown = re.sub(r"[^a-h]", "", checked(rendered(text)).text)
    label = "".join(a["data-language"] or "" for t, a in Tags(rendered(text)).found if "data-language" in a)
    assert len(shown) + len(re.sub(r"[^a-h]", "", label)) >= len(re.sub(r"[^a-h]", "", text))


KEPT = [
    pytest.param(">" * 3_000 + " deep", "deep", id="3,000 quotes"),
    pytest.param("- " * 3_000 + "deep", "deep", id="3,000 lists"),
    pytest.param("[word]: https://e.example\n", "https://e.example", id="a link's definition"),
    pytest.param("<!-- secret -->", "secret", id="a comment"),
    pytest.param("<details>inside</details>", "<details>", id="raw HTML"),
    pytest.param("x" * (LONGEST + 1), "x" * (LONGEST + 1), id="too long for Markdown"),
    pytest.param("[" * 50_000, "[" * 50_000, id="50,000 brackets"),
    pytest.param("&#x202e;txt.exe", "⟦U+202E⟧txt.exe", id="an override spelled as an entity"),
]


@pytest.mark.parametrize(("text", "shown"), KEPT)
def test_nothing_is_hidden(text: str, shown: str) -> None:
    """Text that Markdown would drop, or that the parser would give up on, is shown."""
    assert shown in checked(rendered(text)).text


def test_an_image_becomes_a_link() -> None:
    """An image is never loaded: it becomes a link that says so."""
    tags = checked(rendered("![map](https://e.example/map.png)"))
    assert "img" not in tags.names()
    assert ("a", "https://e.example/map.png") in [(tag, found.get("href")) for tag, found in tags.found]
    assert "not loaded" in tags.text


def test_headings_rank_below_those_of_the_page() -> None:
    """The largest heading of a message is at level three."""
    assert [tag for tag, _ in Tags(rendered("# a\n\n## b\n\n###### c")).found if tag[0] == "h"] == ["h3", "h4", "h6"]


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://e.example/a?b#c", True),
        ("HTTP://e.example", True),
        ("mailto:a@e.example", True),
        ("javascript:alert(1)", False),
        ("/relative", False),
        ("#here", False),
        ("//e.example", False),
        ("data:text/html,x", False),
        ("http", False),
        ("https://[broken", False),
        ("https:/-/logout", False),
        ("https:e.example", False),
    ],
)
def test_links_lead_to_the_web_or_a_mailbox(address: str, safe: bool) -> None:
    """Only http, https and mailto addresses become links."""
    assert is_safe_link(address) is safe


@pytest.mark.parametrize("language", ["python", "js", "sql", "json", "html", "sh", "unknown"])
@given(code=st.text(alphabet=st.sampled_from("abc \"'`#/*-<>&\\\n0123.=()def")))
def test_colours_do_not_change_code(language: str, code: str) -> None:
    """Colouring code does not change its text."""
    assert Tags(coloured(code, language)).text == code


def test_code_is_coloured_by_its_language() -> None:
    """Keywords, strings, comments and numbers each have a class."""
    html = coloured('def f():  # why\n    return "x" + 12', "python")
    assert '<span class="hl-k">def</span>' in html
    assert '<span class="hl-c"># why</span>' in html
    assert '<span class="hl-s">&quot;x&quot;</span>' in html
    assert '<span class="hl-n">12</span>' in html

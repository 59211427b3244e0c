"""Rules of the words of a search that are marked in a transcript."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasette_session_views.show.marks import Marks
from llm_session_memory.reader.files.markup import json_block, plain, rendered
from tests.views.anything import TEXT
from tests.views.conftest import Get, Tags
from tests.world.everything import World
from tests.world.laws import tried


@pytest.mark.parametrize(
    ("html", "words", "expected"),
    [
        ("<p>The tides</p>", "tide", "<p>The <mark>tides</mark></p>"),
        ("<p><b>bri</b>dge</p>", "bridge", "<p><b><mark>bri</mark></b><mark>dge</mark></p>"),
        ("<li>bri</li><li>dge</li>", "bridge", "<li>bri</li><li>dge</li>"),
        ("<p>a &lt;b&gt; c</p>", "b", "<p>a &lt;<mark>b</mark>&gt; c</p>"),
        ("<p>x =&gt; y</p>", "=>", "<p>x <mark>=</mark><mark>&gt;</mark> y</p>"),
        ('<a href="/tide" title="a > tide">ebb</a>', "tide", '<a href="/tide" title="a > tide">ebb</a>'),
        ("<math><mi>tide</mi></math> tide", "tide", "<math><mi>tide</mi></math> <mark>tide</mark>"),
        ("<p>low tide, the low</p>", '"low tide"', "<p><mark>low tide</mark>, the low</p>"),
        ("<p>the tide</p>", "the tide", "<p>the <mark>tide</mark></p>"),
        ("<p>the</p>", "the", "<p><mark>the</mark></p>"),
        (
            "<details><summary>s</summary>tide</details><details>ebb</details>",
            "tide",
            "<details open><summary>s</summary><mark>tide</mark></details><details>ebb</details>",
        ),
    ],
)
def test_the_words_are_marked_in_texts_alone(html: str, words: str, expected: str) -> None:
    """Words are marked through inline elements, but not across blocks, in tags or in formulas; folds open."""
    assert Marks(words).html(html) == expected


@given(text=TEXT, words=TEXT | st.sampled_from(["a", "b", "ab", "script", "&", "< >"]))
@tried(200, 60)
def test_marks_change_nothing_else(text: str, words: str) -> None:
    """Whatever a model wrote and whatever is searched: the elements nest, and without the marks all is as before."""
    for made in (rendered, plain, json_block):
        html = made(text)
        marked = Marks(words).html(html)
        Tags(marked)
        assert re.sub(r"</?mark>", "", marked) == html


def test_the_number_of_marks_is_bounded() -> None:
    """A page has a thousand marks at most."""
    marks = Marks("tide")
    for _ in range(20):
        marks.html("<p>" + "tide " * 100 + "</p>")
    assert marks.count == 1_000


def test_words_far_down_a_long_text_are_marked() -> None:
    """They are found wherever they are; texts without them cost little."""
    assert "<mark>zebras</mark>" in Marks("zebra").html(f"<p>{'low tide ' * 100_000} zebras</p>")
    assert "<mark>Ärger</mark>" in Marks("arger").html(f"<p>{'x' * 50_000} Ärger</p>")


@pytest.mark.asyncio
async def test_a_transcript_opened_from_a_search_has_its_words_marked(get: Get, world: World) -> None:
    """The words are marked in prompts, replies and folds, which open, and the page says how to be without them."""
    hit = await get(f"/logs/-/session/work/exchange/{world.work.turns[0]}?q=low+water+rows")
    page = await get(hit.headers["location"].partition("#")[0])
    Tags(page.text)
    assert "<mark>Low</mark> <mark>water</mark> at 09:42." in page.text
    assert re.search(r'<details class="sv-fold sv-k-\w+" open>', page.text)
    assert "“ low water rows ” is marked in" in page.shown
    assert 'href="/logs/-/session/work?from=1"' in page.text
    without = await get("/logs/-/session/work")
    assert "<mark>" not in without.text
    assert "is marked" not in without.shown
    nothing = await get("/logs/-/session/work?q=zebra")
    assert "“ zebra ” isn't on this page" in nothing.shown

"""Rules of rendered replies as a browser draws them, with the pages' own style sheets and no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import datasette_session_views
from llm_session_memory.reader.files.markup import plain, rendered
from tests.views.accessible import needs_axe, violations, wrong_colours
from tests.views.browsing import Pages, fits, needs_browser

pytestmark = [pytest.mark.slow, *needs_browser]

SHEETS = Path(datasette_session_views.__file__).parent / "static" / "css"
DATASETTES = "h4, h5, h6 { text-decoration: underline } h6 { font-style: italic } td { white-space: pre-wrap }"
"""What Datasette's style sheet does to a reply."""

ARABIC = """مرحبا، هذا رد `git commit -m "x"` هنا.

1. أول
2. ثاني
   - فرعي

This is an English paragraph, with a full stop.

> اقتباس

- [x] مهمة
"""
TEXT = rf"""## Heading

#### Another

{ARABIC}

\[ x = \frac{{-b \pm \sqrt{{b^2 - 4ac}}}}{{2a}} + a_1 + a_2 + a_3 + a_4 + a_5 + a_6 + a_7 + a_8 + a_9 + a_{{10}} \]

| a | b |
|--:|---|
| x<br>y | {"w" * 300} |

```
{"code " * 100}
```

Note[^1] {"https://e.example/" + "a" * 300}

[^1]: The note.
"""


@pytest.fixture(name="page")
def _page(browser: Pages) -> Any:
    """Return a browser page that shows a reply and a long prompt with the style sheets of a transcript."""
    page = browser.watched("about:").page
    page.goto("about:blank")
    styles = "".join(
        (SHEETS / f"{name}.css").read_text("utf-8") for name in ("colours", "frame", "reply", "transcript")
    )
    body = f'<div class="sv-reply">{rendered(TEXT)}</div><div class="sv-you">{plain("word " * 9_000, fold=True)}</div>'
    page.set_content(
        f'<!doctype html><html lang="en"><title>A reply</title><style>{DATASETTES}{styles}</style>'
        f'<body class="sv"><main><h1>One</h1><h2>Two</h2>{body}</main></body></html>'
    )
    return page


def test_a_reply_looks_as_it_was_meant(page: Any) -> None:
    """Arabic runs from right to left with code and English in it, formulas are drawn, and a phone is wide enough.

    Long texts unfold, and headings have no line under them.
    """
    assert all(fits(page, width) for width in (1200, 390, 320))

    def style(selector: str, *names: str) -> list[str]:
        return [page.eval_on_selector(selector, f"one => getComputedStyle(one)['{name}']") for name in names]

    def box(selector: str) -> dict[str, float]:
        return page.locator(selector).first.bounding_box()  # type: ignore[no-any-return]

    assert style("p[dir]", "direction", "textAlign") == ["rtl", "start"]
    assert style("p code", "direction", "unicodeBidi") == ["ltr", "isolate"]
    assert style("ol", "direction", "paddingLeft", "listStyleType") == ["rtl", "0px", "decimal"]
    assert style("blockquote", "borderLeftWidth", "borderRightWidth") == ["0px", "3px"]
    assert style("p[dir]:has(+ blockquote)", "direction") == ["ltr"]
    assert style("h4", "textDecorationLine", "fontStyle") == ["none", "normal"]
    assert style("td", "whiteSpace") == ["normal"]

    assert page.eval_on_selector("math", "one => one.namespaceURI") == "http://www.w3.org/1998/Math/MathML"
    assert box("mfrac")["height"] > 1.5 * box("mi")["height"]
    assert page.eval_on_selector(".sv-display", "one => one.scrollWidth > one.clientWidth")

    before = box(".sv-you")["height"]
    page.get_by_text("Show all: ").click()
    assert box(".sv-you")["height"] > 3 * before
    page.get_by_text("Show less").click()
    assert box(".sv-you")["height"] == before


@needs_axe
def test_axe_finds_nothing_wrong_with_a_reply(page: Any) -> None:
    """A reply with everything in it breaks no rule of WCAG 2.2 A and AA on a phone, nor one of colours in the dark."""
    assert fits(page, 390)
    page.get_by_text("Show all: ").click()
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('.sv')).color") != "rgb(17, 26, 53)"
    assert wrong_colours(page) == []

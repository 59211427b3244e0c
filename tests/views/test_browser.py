"""Rules of the pages in a real browser (Debian's chromium, driven by Playwright), with and without JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.views.browsing import USUAL, Pages, copied, fits, needs_browser
from tests.views.listening import rated_by_all
from tests.world.everything import MARKDOWN, World
from tests.world.laws import PROFILE

pytestmark = [pytest.mark.slow, *needs_browser]

PAGES = [
    "/logs/-/sessions",
    "/logs/-/session/work",
    "/logs/-/sessions/analytics",
    "/-/sessions",
    "/logs/-/sessions/search?q=Lisbon",
    "/logs/-/sessions/search",
    "/logs/-/sessions/jobs",
    "/logs/-/sessions/job/Tides",
    "/logs/-/sessions/compare",
    "/logs/-/sessions/compare?group=Lisbon",
    "/logs/-/sessions/queries",
    "/logs/sessions_tokens_by_model",
]
"""Pages to open without JavaScript; with it, test_access opens each kind.

An ordinary run takes the first three: only the replay, which has a test of its own, has other content without it.
"""


@pytest.fixture(name="root", scope="module")
def _root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the log with one of everything, where everybody may rate; each test removes its ratings."""
    with rated_by_all(Path(shutil.copy(world.path, tmp_path_factory.mktemp("rated") / "logs.db"))) as root:
        yield root


@pytest.mark.parametrize("address", PAGES if PROFILE == "ci" else PAGES[:3])
def test_pages_open_without_javascript(browser: Pages, root: str, address: str) -> None:
    """Pages have no errors and ask nobody else for anything."""
    watched = browser.watched(root, scripts=False)
    assert watched.open(address).locator("h1").count() == 1
    assert watched.wrong == []


def test_the_page_of_a_query_opens_without_an_error(browser: Pages, root: str) -> None:
    """It is Datasette's own, with our styles and scripts. On a phone it scrolls sideways."""
    watched = browser.watched(root)
    page = watched.open("/logs/sessions_tokens_by_model")
    assert page.locator("h1").count() == 1
    assert fits(page, 1200)
    assert watched.wrong == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_person_finds_reads_and_searches_a_session(browser: Pages, root: str, world: World, scripts: bool) -> None:
    """A person goes from the list to a session, searches it, and opens the exchange that was found."""
    watched = browser.watched(root, scripts=scripts)
    page = watched.open("/logs/-/sessions")
    page.get_by_role("link", name="work", exact=True).click()
    page.wait_for_url("**/logs/-/session/work")  # count() itself does not wait for the next page
    assert page.locator("article.sv-ex").count() == 5
    page.get_by_label("Search in this session").fill("tide")
    page.get_by_role("button", name="Search").click()
    assert page.locator("mark").first.inner_text() == "tide"
    page.get_by_role("link", name="#2").click()
    place = f"/logs/-/session/work?from=1&q=tide#e-{world.work.turns[1]}"
    page.wait_for_url(lambda url: url.endswith(place))
    page.go_back()
    page.go_back()
    page.get_by_text("Tool call tide_table").click()
    assert page.locator("details.sv-k-tool[open]").count() == 1
    page.locator("h1").click()
    page.wait_for_timeout(50)
    if scripts:
        assert page.locator("details.sv-k-tool[open]").count() == 1
    assert watched.wrong == []


def test_what_is_copied_is_exactly_what_was_written(browser: Pages, root: str) -> None:
    """A button copies code to the clipboard exactly.

    The one below a reply copies its Markdown, not what the page made of it; a failed prompt has none.
    """
    watched = browser.watched(root)
    page = watched.open("/logs/-/session/work")
    code = copied(page, page.locator(".sv-code .sv-copy").first)
    assert code.startswith("def plan(week: int) -> str:\n    return")
    assert copied(page, page.get_by_role("button", name="Copy reply").first).strip() == MARKDOWN.strip()
    assert page.locator("article.sv-attempt .sv-answer").count() == 0
    assert watched.wrong == []


def test_the_page_is_used_by_keyboard(browser: Pages, root: str) -> None:
    """Folds open with a key, and the focus is visible."""
    watched = browser.watched(root)
    page = watched.open("/logs/-/session/work")
    summary = page.locator("details.sv-k-tool > summary").first
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.sv-k-tool[open]").count() == 1
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    unnamed = page.evaluate(
        "[...document.querySelectorAll('.content :is(input:not([type=hidden]),select,button,a)')].filter(e =>"
        " !(e.textContent.trim() || e.ariaLabel || e.labels?.length || e.querySelector('img[alt]'))).length"
    )
    assert unnamed == 0


def test_script_that_a_model_wrote_does_not_run(browser: Pages, root: str) -> None:
    """Even if a page contained a foreign script, the policy would block it."""
    page = browser.watched(root).open("/logs/-/session/work")
    page.evaluate(
        "() => { window.refused = [];"
        " addEventListener('securitypolicyviolation', one => window.refused.push(one.effectiveDirective));"
        " const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
        " const i = new Image(); i.src = 'https://evil.invalid/x.png'; document.body.append(i); }"
    )
    assert page.evaluate("window.ran") is None
    page.wait_for_function("() => window.refused.length === 2")
    assert set(page.evaluate("window.refused")) == {"script-src-elem", "img-src"}


def test_a_transcript_prints_without_forms_and_buttons(browser: Pages, root: str) -> None:
    """Printed pages show the messages and no controls."""
    page = browser.watched(root).open("/logs/-/session/work")
    page.emulate_media(media="print")
    for unwanted in ("form.sv-bar", ".sv-copy", "header"):
        assert not page.locator(unwanted).first.is_visible()
    assert page.locator("article.sv-ex").first.is_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_an_exchange_is_rated_by_keyboard(browser: Pages, root: str, world: World, scripts: bool) -> None:
    """A rating is made, changed and removed, on a phone and where there is room.

    Without JavaScript, each step returns to the exchange. Then, an ordinary run only makes a rating on the phone,
    because its style sheets are the same ones.
    """
    here = "/work" if scripts else f"/work#e-{world.work.turns[3]}"
    watched = browser.watched(root, scripts=scripts)
    watched.page.set_viewport_size({"width": 390, "height": 800})
    page = watched.open("/logs/-/session/work")
    article = page.locator("article.sv-ex").nth(2)

    def rate_up() -> None:
        article.get_by_role("button", name="Rate up").focus()
        page.keyboard.press("Enter")
        if not scripts:
            page.wait_for_url(f"**{here}")
            page.screenshot()  # waits for a frame; after a page's first one, its anchor has the focus
        article.locator(".sv-rated", has_text="rated up").wait_for()

    def change_and_remove(width: int) -> None:
        article.get_by_text("Rate in detail").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.type("As I say")
        if scripts:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        for _ in range(4):
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        article.locator(".sv-rated", has_text="rated 4 of 5").wait_for()
        assert "As I say" in article.inner_text()
        if not scripts:  # with them, the fold stays open
            article.get_by_text("Rate in detail").click()
        article.get_by_role("button", name="Remove rating").click()
        article.locator(".sv-rated").wait_for(state="detached")
        assert page.url.endswith(here)

    rate_up()
    if scripts or PROFILE == "ci":
        change_and_remove(390)
    page.set_viewport_size(USUAL)
    if scripts or PROFILE == "ci":
        rate_up()
    change_and_remove(1200)
    assert watched.wrong == []

"""Rules of the outline and the menus of a transcript in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.views.browsing import Pages, copied, needs_browser
from tests.views.listening import listening
from tests.world.everything import Session, with_sessions
from tests.world.logs import LogBuilder, Said

pytestmark = [pytest.mark.slow, *needs_browser]

PHONE = {"width": 390, "height": 800}
LIT = "#sv-outline a[aria-current]"


@pytest.fixture(name="root", scope="module")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a session of 40 exchanges."""
    path: Path = tmp_path_factory.mktemp("outline") / "logs.db"
    with LogBuilder(path) as log:
        thread = log.thread()
        said = (Said(f"prompt {number + 1}.", "A reply of a few lines.\n\n" * 4) for number in range(40))
        turns = log.turns(thread, *said, block=20)
    with_sessions(path, Session(thread, "work", turns, pinned=(turns[2],)))
    with listening(path) as root:
        yield root


def lit(page: Any, line: str) -> None:
    """Wait until this line of the outline is lit, and no other."""
    lines = f"[...document.querySelectorAll('{LIT}')].map(one => one.innerText.trim().replace(/\\s+/g, ' ')).join('|')"
    page.wait_for_function(f"line => {lines} === line", arg=line)


def test_the_line_of_what_is_read_is_lit(browser: Pages, root: str) -> None:
    """It follows the reader to both ends of the page, stays in sight, and is the one that was chosen."""
    watched = browser.watched(root)
    page = watched.open("/logs/-/session/work")
    lit(page, "1 prompt 1.")
    page.evaluate("document.querySelectorAll('article')[24].scrollIntoView()")
    lit(page, "25 prompt 25.")
    inside = """() => {
        const list = document.getElementById('sv-outline');
        const [a, b] = [list.querySelector('[aria-current]').getBoundingClientRect(), list.getBoundingClientRect()];
        return a.top >= b.top && a.bottom <= b.bottom;
    }"""
    assert page.evaluate(inside)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    lit(page, "40 prompt 40.")
    page.locator("#sv-outline a").nth(37).click()  # it can't be scrolled to the top of the window
    lit(page, "38 prompt 38.")
    page.keyboard.press("G")
    page.keyboard.press("k")
    lit(page, "39 prompt 39.")
    page.emulate_media(forced_colors="active")
    colours = "one => [one, ...one.querySelectorAll('span')].map((part) => getComputedStyle(part).color)"
    assert len(set(page.locator(LIT).evaluate(colours))) == 1, "on the ground of what is chosen"
    page.emulate_media(forced_colors="none")
    assert watched.wrong == []


def test_an_address_that_means_nothing_leads_to_the_first_line(browser: Pages, root: str) -> None:
    """An address whose end can't be decoded is no reason for the scripts to fail."""
    watched = browser.watched(root)
    lit(watched.open("/logs/-/session/work#100%"), "1 prompt 1.")
    assert watched.wrong == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_phone_has_the_outline_in_a_fold(browser: Pages, root: str, scripts: bool) -> None:
    """On a phone it is folded above the conversation; where there is room it is beside it, and always open."""
    page = browser.watched(root, scripts=scripts).open("/logs/-/session/work")
    line = page.locator("#sv-outline a").nth(1)
    assert line.is_visible()
    assert not page.locator("#sv-beside > summary").is_visible()
    page.set_viewport_size(PHONE)
    assert not line.is_visible()
    fold = page.locator("#sv-beside > summary")
    assert fold.inner_text() == "Prompts 1–40, pins"
    assert fold.bounding_box()["y"] < page.locator("article").first.bounding_box()["y"] < 1200
    fold.click()
    line.click()
    page.wait_for_url("**#e-*")
    assert line.is_visible() == (not scripts), "the script closes the fold behind the reader"


def test_a_menu_closes_by_itself(browser: Pages, root: str) -> None:
    """Escape closes an open menu and returns the focus; so do a click elsewhere and another menu."""
    page = browser.watched(root).open("/logs/-/session/work")
    download, data = page.locator("details.sv-menu").all()
    download.locator("summary").click()
    assert download.get_by_role("link", name="Markdown").is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert download.get_attribute("open") is None
    assert page.evaluate("document.activeElement.textContent") == "Download"
    download.locator("summary").click()
    data.locator("summary").click()
    assert (download.get_attribute("open"), data.get_attribute("open")) == (None, "")
    page.locator("h1").click()
    assert data.get_attribute("open") is None


def test_a_command_is_copied_up_to_its_prompt(browser: Pages, root: str) -> None:
    """The button beside the command to go on copies it up to where the prompt is typed, without the “…”."""
    page = browser.watched(root).open("/logs/-/session/work")
    command = page.locator("dl.sv-commands dd").first
    text = copied(page, command.get_by_role("button", name="Copy"))
    assert f'{text}"…"' == command.locator("code").inner_text()
    assert text.startswith("llm --session work ")

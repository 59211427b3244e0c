"""Rules that let everybody use every page: axe-core in both themes, the keyboard, forced colors, reduced motion."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.views.accessible import needs_axe, violations, walk
from tests.views.browsing import Pages, needs_browser
from tests.views.visits import PAGES, name_of, visited
from tests.world.everything import World

pytestmark = [pytest.mark.slow, *needs_browser, needs_axe]

EACH = pytest.mark.parametrize("what", PAGES, ids=name_of)


@pytest.fixture(name="root", scope="module")
def _root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a Datasette that serves a log for every kind of page."""
    with visited(world, tmp_path_factory.mktemp("visited")) as root:
        yield root


@EACH
def test_axe_finds_nothing_in_either_theme(browser: Pages, root: str, what: str) -> None:
    """No page breaks a rule of WCAG 2.2 A or AA that axe-core knows, nor one of its best practices.

    Only colours differ between the themes, so the dark one is asked only about them.
    """
    page = browser.watched(root).open(PAGES[what])
    page.evaluate("document.querySelectorAll('.sv details').forEach(one => { one.open = true; })")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert violations(page, ["color-contrast", "link-in-text-block"]) == []


@EACH
def test_the_tab_key_leads_through_every_page(browser: Pages, root: str, what: str) -> None:
    """Tab goes from the first control to the last in their order, and each is seen with its focus when it has it."""
    page = browser.watched(root).open(PAGES[what])
    stops = walk(page)
    assert {stop.element: stop.wrong for stop in stops if stop.wrong} == {}
    assert "Skip to" in stops[0].element


def test_the_skip_link_leads_to_the_main_part(browser: Pages, root: str) -> None:
    """The first stop of a page leads past the header: the next one is within the main part."""
    page = browser.watched(root).open(PAGES["transcript"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main, [role=main]') !== null")


def test_forced_colours_keep_what_colours_say(browser: Pages, root: str) -> None:
    """With forced colours, the square of each fate still looks different from the others."""
    page = browser.watched(root).open(PAGES["context"])
    page.emulate_media(forced_colors="active")
    looks = (
        "[...document.querySelectorAll('{}')].map(one => {{ const style = getComputedStyle(one, '{}');"
        " return [style.backgroundColor, style.backgroundImage, style.borderRadius, style.borderWidth].join(); }})"
    )
    legend = page.evaluate(looks.format(".sv-legend [class*=sv-c-]", "::before"))
    assert len(legend) >= 4
    assert len(set(legend)) == len(legend)


def test_nothing_moves_for_those_who_want_no_motion(browser: Pages, root: str) -> None:
    """With reduced motion nothing is animated, and a link within the page jumps."""
    watched = browser.watched(root)
    watched.page.emulate_media(reduced_motion="reduce")
    for what in ("transcript", "replay", "analytics"):
        page = watched.open(PAGES[what])
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"

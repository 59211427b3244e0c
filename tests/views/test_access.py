"""Rules that let everybody use every page: axe-core in both themes, the keyboard, forced colors, reduced motion."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from datasette_session_views.compat import IS_1
from tests.views.accessible import axe, needs_axe, violations, walk, wrong_colours
from tests.views.browsing import Pages, fits, needs_browser
from tests.views.visits import MISSING, PAGES, name_of, visited
from tests.world.everything import World

pytestmark = [pytest.mark.slow, *needs_browser, needs_axe]

EACH = pytest.mark.parametrize("what", PAGES, ids=name_of)


@pytest.fixture(name="root", scope="module")
def _root(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a Datasette that serves a log for every kind of page."""
    with visited(world, tmp_path_factory.mktemp("visited")) as root:
        yield root


@EACH
def test_everybody_can_use_every_page(browser: Pages, root: str, what: str) -> None:
    """A page has a title and no errors, asks nobody else for anything, and scrolls sideways on no screen.

    Tab goes from the first control to the last in their order, and each is seen with its focus when it has it. No page
    breaks a rule of WCAG 2.2 A or AA that axe-core knows, nor one of its best practices. Only colours differ between
    the themes, so the dark one is asked only about them. All these rules share a page, because opening it is dear.
    """
    watched = browser.watched(root, reads=axe())
    page = watched.open(PAGES[what])
    assert [wrong for wrong in watched.wrong if what != MISSING or "404" not in wrong] == []
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    assert fits(page, 390)
    assert fits(page, 1200)
    stops = walk(page)
    assert {stop.element: stop.wrong for stop in stops if stop.wrong} == {}
    assert "Skip to" in stops[0].element

    page.evaluate("document.querySelectorAll('.sv details').forEach(one => { one.open = true; })")
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert wrong_colours(page) == []


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


_CHOSEN = """() => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style = 'forced-color-adjust: none; background: Highlight; color: HighlightText';
    const looks = (one) => getComputedStyle(one), wanted = looks(probe);
    const chosen = document.querySelectorAll('.sv [aria-current]:not([aria-current=false]), .sv [aria-pressed=true]');
    return [...chosen].map((one) => looks(one).backgroundColor === wanted.backgroundColor
        && [one, ...one.querySelectorAll('*')].every((part) => looks(part).color === wanted.color));
}"""


@pytest.mark.parametrize("what", ["transcript", "list with a project", "analytics", "replay"], ids=name_of)
def test_pages_keep_to_what_a_reader_set_for_all_programs(browser: Pages, root: str, what: str) -> None:
    """With reduced motion nothing is animated, and a link within the page jumps.

    With forced colours, what is chosen is drawn in the reader's colours for it, words and ground alike.
    """
    watched = browser.watched(root)
    watched.page.emulate_media(reduced_motion="reduce")
    page = watched.open(PAGES[what])
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.emulate_media(forced_colors="active")
    assert set(page.evaluate(_CHOSEN)) == (set() if what == "replay" else {True})  # a replay has nothing to choose


def test_paper_is_white_and_shows_what_is_folded(browser: Pages, root: str) -> None:
    """A page printed in the dark theme is dark on white, and what is folded is on it: paper can't be unfolded."""
    page = browser.watched(root).open(PAGES["transcript"])
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.querySelector('.sv')).color") == "rgb(17, 26, 53)"
    folds = "article details.sv-fold:not([open], form *) > .sv-in"
    folded = page.evaluate(f"[...document.querySelectorAll('{folds}')].map(one => one.clientHeight)")
    assert len(folded) > 2
    assert min(folded) > 10


@pytest.mark.skipif(not IS_1, reason="Datasette 0.65 has no jump menu")
def test_the_jump_menu_follows_the_theme(browser: Pages, root: str) -> None:
    """Datasette's own menu on our pages can be read in both themes too."""
    page = browser.watched(root).open(PAGES["transcript"])
    page.emulate_media(reduced_motion="reduce")  # no colour is measured while it changes
    page.keyboard.press("/")
    page.keyboard.type("wo")
    page.wait_for_selector("navigation-search .result-item")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert violations(page, ["color-contrast", "target-size"]) == []

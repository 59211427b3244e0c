"""Rules of the scripts that all pages share, and of the transcript's, in a real browser."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.views.browsing import Pages, copied, needs_browser
from tests.views.listening import rated_by_all
from tests.world.everything import World

pytestmark = [pytest.mark.slow, *needs_browser]

WORK = "/logs/-/session/work"


@pytest.fixture(name="path", scope="module")
def _path(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the log with one of everything, for tests that write to it."""
    return Path(shutil.copy(world.path, tmp_path_factory.mktemp("scripts") / "logs.db"))


@pytest.fixture(name="root", scope="module")
def _root(path: Path) -> Iterator[str]:
    """Yield the URL of a Datasette where everybody may rate."""
    with rated_by_all(path) as root:
        yield root


def module(page: Any, name: str) -> str:
    """Return the URL of one of the shared modules."""
    main = page.evaluate("document.querySelector('script[src*=\"common/main.js\"]').src")
    return str(main).partition("common/main.js")[0] + f"common/{name}.js"


def test_the_keys_lead_through_a_session(browser: Pages, root: str) -> None:
    """j and k step through the exchanges, c and r open those of the current one, g l the list, and ? lists the keys."""
    watched = browser.watched(root)
    page = watched.open(f"{WORK}?from=1")
    press = page.keyboard.press
    number = "document.activeElement.closest('article')?.querySelector('.sv-no').textContent.trim().split(' ').at(-1)"
    for keys, at in (
        ("j", "#1"),
        ("j", "#2"),
        ("k", "#1"),
        ("Shift+G", "last"),
        ("g", "last"),
        ("g", "#1"),
        ("j", "#2"),
    ):
        press(keys)
        last = page.locator("article.sv-ex").last.locator(".sv-no").inner_text().split()[-1]
        assert page.evaluate(number) == (last if at == "last" else at), keys
    press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    listed = page.locator("dialog dt").all_inner_texts()
    assert {"j", "k", "c", "r", "/", "?", "g l", "g s", "g a"} <= {" ".join(keys.split()) for keys in listed}
    assert len(listed) == len(set(listed))
    press("j")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    press("?")
    page.get_by_role("dialog").wait_for(state="detached" if not page.locator("dialog[open]").count() else "hidden")
    press("c")
    page.wait_for_url("**/work/context/*")
    press("g")
    press("l")
    page.wait_for_url("**/logs/-/sessions")
    press("j")
    press("Enter")
    page.wait_for_url("**/-/session/*")
    assert watched.wrong == []


def test_keys_do_nothing_in_fields_and_when_they_are_turned_off(browser: Pages, root: str) -> None:
    """Letters in a field are text. People who speak to their computer can turn single keys off, and on again."""
    page = browser.watched(root).open(WORK)
    page.keyboard.press("s")
    page.keyboard.type("crj?")
    assert page.locator("input[name=q]").input_value() == "crj?"
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_label("Use single keys as shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("c")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_timeout(100)
    assert page.url.endswith(WORK)
    page.goto(f"{root}{WORK}/replay?autoplay=0")
    page.locator("#sv-seek").wait_for()
    page.keyboard.press("5")
    page.keyboard.press("?")
    assert page.locator("#sv-seek").input_value() == "0"
    page.get_by_label("Use single keys as shortcuts").check()
    page.keyboard.press("Escape")
    page.locator("#sv-keys").wait_for(state="hidden")
    page.keyboard.press("5")
    page.wait_for_function("() => document.getElementById('sv-seek').value !== '0'")  # a text is refused by the policy
    # Until the next frame is drawn, the checkbox of the closed dialog keeps the focus.
    page.locator("#sv-single").dispatch_event("keydown", {"key": "0", "bubbles": True, "composed": True})
    assert page.locator("#sv-seek").input_value() == "0"
    page.keyboard.press("?")
    page.get_by_label("Use single keys as shortcuts").press("Space")
    assert not page.get_by_label("Use single keys as shortcuts").is_checked()
    page.get_by_label("Use single keys as shortcuts").press("Space")  # for the tests after this one
    assert page.get_by_label("Use single keys as shortcuts").is_checked()


IN_BERLIN = {
    "2026-11-27T23:05:00Z": "today 00:05",
    "2026-11-27T22:55:00+00:00": "yesterday 23:55",
    "2026-11-22T12:00:00": "Sun 13:00",
    "2026-11-21 12:00:00.123456+00:00": "21 Nov 13:00",
    "2026-03-29T01:00:00Z": "29 Mar 03:00",
    "2026-09-01T08:00:00Z": "1 Sep 10:00",
    "2026-09-30T22:00:00Z": "1 Oct 00:00",
    "2025-12-31T23:30:00Z": "1 Jan 00:30",
    "2025-12-31T22:30:00Z": "31 Dec 2025 23:30",
    "2026-11-28T23:30:00Z": "29 Nov 00:30",
    "no time": "2026-11-20 09:52",
}


def test_times_are_in_the_zone_and_the_words_of_the_reader(browser: Pages, root: str) -> None:
    """Stored times without a zone are UTC. The tooltip keeps what the server wrote. What is no time stays as it is."""
    watched = browser.watched(root)
    session = watched.page.context.new_cdp_session(watched.page)
    session.send("Emulation.setTimezoneOverride", {"timezoneId": "Europe/Berlin"})
    page = watched.open("/logs/-/sessions")
    found = page.evaluate(
        """async ([url, given]) => {
            const { show } = await import(url);
            const made = given.map((then) => {
                const time = document.createElement("time");
                time.setAttribute("datetime", then);
                time.dataset.svTime = "";
                time.textContent = "2026-11-20 09:52";
                return time;
            });
            document.body.append(...made);
            show(document, new Date("2026-11-28T15:00:00Z"));
            return made.map((time) => [time.textContent, time.title]);
        }""",
        [module(page, "times"), list(IN_BERLIN)],
    )
    session.send("Emulation.setTimezoneOverride", {"timezoneId": ""})
    session.detach()
    assert dict(zip(IN_BERLIN, (words for words, _ in found), strict=True)) == IN_BERLIN
    assert {title for _, title in found} == {"2026-11-20 09:52 UTC", ""}


def test_a_session_that_goes_on_says_so(browser: Pages, root: str, path: Path) -> None:
    """An open page shows how many exchanges are new and links to the first; it asks only while it can be seen."""
    page = browser.watched(root, stands_still=True).open(WORK)
    line = page.locator(".sv-live")
    with page.expect_response(lambda answer: ".json" in answer.url):
        page.clock.run_for(6_000)
    assert line.get_by_role("link").count() == 0
    total = int(line.get_attribute("data-sv-total"))
    with closing(sqlite3.connect(path)) as log, log:
        newest = log.execute(
            "select max(id) from turns where thread_id = (select thread_id from memory_sessions where name = 'work')"
        ).fetchone()[0]
        columns = [row[1] for row in log.execute("pragma table_info(turns)") if row[1] != "id"]
        for place in "1", "2":
            log.execute(
                f"insert into turns (id, {', '.join(columns)}) select ?, {', '.join(columns)} from turns where id = ?",
                (newest[:-1] + chr(ord(newest[-1]) + int(place)), newest),
            )
    link = line.get_by_role("link", name="2 new exchanges")
    for _ in range(200):
        page.clock.run_for(10_000)
        page.wait_for_timeout(20)  # the page sets its clock again when it has read the answer
        if link.count():
            break
    link.wait_for()
    assert page.title().startswith("(2) ")
    page.clock.run_for(60_000)
    link.click()
    page.wait_for_url(f"**{WORK}*#e-*")
    assert page.locator("article:target .sv-no").inner_text().split()[-1] == f"#{total + 1}"


def test_a_rating_is_saved_without_loading_the_page_again(browser: Pages, root: str, path: Path) -> None:
    """Thumb, stars, reason and removal show at once, the focus stays, and a server that is gone is no silent loss."""
    watched = browser.watched(root)
    page = watched.open(WORK)
    page.evaluate("window.same = true")
    article = page.locator("article.sv-ex").nth(2)
    article.get_by_role("button", name="Rate up").focus()
    page.keyboard.press("Enter")
    article.locator(".sv-rated", has_text="rated up").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert article.locator("button[aria-pressed=true]").count() == 1
    article.get_by_text("Rate in detail").click()
    article.get_by_label("Reason").fill('As I say, <b>"so"</b>')
    article.get_by_role("button", name="Rate 4 of 5").click()
    article.locator(".sv-rated", has_text="rated 4 of 5").wait_for()
    assert article.locator(".sv-k-rated summary").inner_text().endswith('As I say, <b>"so"</b>')
    with closing(sqlite3.connect(path)) as log:
        assert log.execute("select mark, note from memory_ratings where mark = '4'").fetchall() == [
            ("4", 'As I say, <b>"so"</b>')
        ]
    article.get_by_role("button", name="Remove rating").click()
    article.locator(".sv-rated").wait_for(state="detached")
    assert article.locator(".sv-k-rated").count() == 0
    assert page.evaluate("window.same")
    assert watched.wrong == []


def test_anything_can_have_a_copy_button(browser: Pages, root: str) -> None:
    """An element with data-sv-copy gets a button, and a button of the server is shown if it can copy."""
    page = browser.watched(root).open(WORK)
    page.evaluate(
        """async (url) => {
            const { addButtons } = await import(url);
            const made = document.createElement("div");
            made.innerHTML = '<code data-sv-copy id="one">llm --session work</code>'
                + '<button type="button" id="two" hidden data-sv-copy="exact  text">Copy reply</button>'
                + '<button type="button" id="three" hidden data-sv-copy-of="one">Copy command</button>';
            document.querySelector("main").prepend(made);
            addButtons(made);
            addButtons(made);
        }""",
        module(page, "copy"),
    )
    beside = page.locator("#one + .sv-copy")
    assert beside.count() == 1
    for pressed, text in (
        (beside, "llm --session work"),
        (page.locator("#two"), "exact  text"),
        (page.locator("#three"), "llm --session work"),
    ):
        assert copied(page, pressed) == text


def test_a_place_that_is_on_another_page_is_found(browser: Pages, root: str) -> None:
    """A number or an id that the page lacks leads to the page that has it, and an old place to its exchange."""
    watched = browser.watched(root)
    first = str(watched.open(WORK).locator("article.sv-ex").first.get_attribute("id"))
    for place in ("#1", f"#{first}"):
        page = watched.open(f"{WORK}?from=3{place}")
        page.wait_for_url(f"**/work?from=1#{first}")
    page = watched.open(f"{WORK}#1")
    page.wait_for_url(f"**/work#{first}")
    assert page.locator("article:target").get_attribute("id") == first
    page.locator("article.sv-ex").nth(1).locator(".sv-no").get_by_role("link").click()
    page.wait_for_url("**/work/exchange/*")
    assert page.locator("article:target").get_attribute("id") == page.url.rpartition("/")[2].join(["e-", ""])
    page.reload()
    page.wait_for_url("**/work?from=1#e-*")
    assert watched.wrong == []


def test_a_hit_opens_at_its_words(browser: Pages, root: str) -> None:
    """A search leads to the exchange, with the words marked and in sight."""
    watched = browser.watched(root)
    watched.page.set_viewport_size({"width": 900, "height": 300})
    page = watched.open("/logs/-/sessions/search?q=foundations")
    page.locator(".sv-hit a").first.press("Enter")
    page.wait_for_url("**/work?from=1&q=foundations#e-*")
    mark = page.locator("article:target mark").first
    assert page.evaluate("e => e.getBoundingClientRect().bottom <= innerHeight", mark.element_handle())
    assert page.evaluate("e => e.getBoundingClientRect().top >= 0", mark.element_handle())
    assert watched.wrong == []

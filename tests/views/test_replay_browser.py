"""Rules of the replay in a real browser, with a clock that only the test moves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.insight.timing import CallTiming, Timeline
from tests.views.browsing import Pages, needs_browser
from tests.views.listening import listening, started
from tests.views.playing import at, revealed
from tests.views.test_replay import write_replay
from tests.world.everything import Session, with_sessions
from tests.world.logs import LogBuilder, Said

pytestmark = [pytest.mark.slow, *needs_browser]

HERE = "/logs/-/session/work/replay"

STEPS = [CallTiming(*pair) for pair in ((0, 1000), (1000, 1000), (3_597_000, 1000), (3_599_000, 800), (0, 800))]
STEPS += [CallTiming(3_598_400, 2000), CallTiming(11_998_000, 1200)]

REPLIES = ["a" * 100, "b" * 100]

MANY = 70
"""Exchanges of the long session: more than the stage keeps."""

SHOWN = 30
"""Exchanges that the stage keeps."""

LONG = "/long/-/session/work/replay"


@pytest.fixture(name="root", scope="module")
def _root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a Datasette that serves a session with everything a replay marks."""
    path: Path = tmp_path_factory.mktemp("played") / "logs.db"
    write_replay(path)
    long = path.with_name("long.db")
    with LogBuilder(long) as log:
        thread = log.thread()
        log.turns(thread, *(Said(f"prompt {n}", "A line.\n\n" * 3) for n in range(1, MANY + 1)), block=10)
    with_sessions(long, Session(thread, "work", []))
    with listening(path, long) as root:
        yield root


class Played:
    """The replay on a browser page, with a clock that stands still until the test moves it."""

    def __init__(self, browser: Pages, root: str, asked: str = "speed=1", here: str = HERE, **media: Any) -> None:
        self.watched = browser.watched(root, stands_still=True)
        self.page = self.watched.page
        self.page.emulate_media(**media)
        self.watched.go(f"{here}?{asked}")
        self.page.wait_for_selector("#sv-where:not(:empty)", state="attached")

    def pass_(self, milliseconds: int) -> None:
        """Let time pass, frame by frame."""
        self.page.clock.run_for(milliseconds)

    def seek(self, moment: float) -> None:
        """Go to a moment with the scrubber."""
        self.page.evaluate(
            "moment => { const seek = document.getElementById('sv-seek'); seek.value = moment;"
            " seek.dispatchEvent(new Event('input')); }",
            moment,
        )

    @property
    def said(self) -> list[str]:
        """Return the prompts and replies on the stage, by exchange."""
        found: list[str] = self.page.evaluate(
            "[...document.querySelectorAll('#sv-said article')].map(one =>"
            " [...one.querySelectorAll('.sv-said, summary')].map(e => e.textContent.trim()).join('|'))"
        )
        return found

    @property
    def moment(self) -> float:
        """Return the position of the scrubber."""
        return float(self.page.input_value("#sv-seek"))

    def text(self, id_: str) -> str:
        """Return the text of one element of the page."""
        return str(self.page.text_content(f"#sv-{id_}"))


def expected(moment: float, idle: float | None = 3.0) -> list[str]:
    """Return what the stage must show at a moment within the first two exchanges."""
    now = at(Timeline(STEPS, idle), moment)
    found = []
    for place, (prompt, reply) in enumerate(zip(("first prompt", "second prompt"), REPLIES, strict=True)):
        if place < now.done:
            found.append(f"{prompt}|{reply}")
        elif place == now.done and now.part is not None:
            found.append("|".join(filter(None, (prompt, revealed(reply, now.part)))))
    return found


def test_seeking_shows_exactly_the_messages_of_that_moment(browser: Pages, root: str) -> None:
    """At any moment, reached forwards or backwards, the page shows exactly the messages up to it."""
    played = Played(browser, root)
    for moment in (0, 1, 500, 999, 1000, 1500, 2000, 2001, 2990, 3000, 5999, 700, 2500, 0):
        played.seek(moment)
        assert played.said == expected(moment), moment
    assert played.watched.wrong == []


def test_nothing_plays_before_it_is_asked_to(browser: Pages, root: str) -> None:
    """A poster says how long the replay is, and its button plays; a link to a moment shows that moment instead."""
    played = Played(browser, root, "")
    played.pass_(3000)
    assert (played.moment, played.text("time"), played.text("length")) == (0, "0:00", "0:20")
    assert played.text("poster-words") == "5 exchanges, 0:20 long"
    poster, stage = (played.page.locator(one).bounding_box() for one in ("#sv-poster", ".sv-stage"))
    assert poster["height"] == pytest.approx(stage["height"], abs=2)
    played.page.click("#sv-begin")
    played.pass_(500)
    assert not played.page.locator("#sv-poster").is_visible()
    assert played.moment == pytest.approx(500, abs=120)
    assert played.page.evaluate("document.activeElement.id") == "sv-play"
    assert not Played(browser, root, "at=2").page.locator("#sv-poster").is_visible()


def test_a_long_replay_takes_three_minutes_at_most(browser: Pages, root: str) -> None:
    """The speed is proposed by the length, however long that is, and a speed in the address comes first."""
    played = Played(browser, root, "idle=off")
    assert played.page.input_value("#sv-speed") == "128"
    assert played.text("poster-words") == "5 exchanges, 6:20:01 long. At 128× it takes 2:58."
    assert played.text("left") == "2:58 left at 128×"
    played.page.keyboard.press("<")
    assert played.page.input_value("#sv-speed") == "16"
    played.page.keyboard.press(">")
    assert played.page.input_value("#sv-speed") == "128"
    assert Played(browser, root, "idle=off&speed=2").page.input_value("#sv-speed") == "2"


def test_a_request_that_no_session_chose_is_shown_too(browser: Pages, root: str) -> None:
    """Without a budget there is no bar, but it is known which exchanges were sent."""
    played = Played(browser, root, "at=23", LONG)
    fates = played.page.evaluate("[...document.querySelectorAll('#sv-cells i')].map(cell => cell.className)")
    assert fates[:23] == ["sv-c-pruned"] * 20 + ["sv-c-recent"] * 2 + ["sv-c-now"]
    assert played.text("window-words") == "No session chose what was sent."
    assert not played.page.locator("#sv-fill").is_visible()


def test_one_can_scroll_back_to_the_first_message(browser: Pages, root: str) -> None:
    """Earlier exchanges are added as one scrolls up, and a button leads back to the newest one."""
    played = Played(browser, root, f"at={MANY}", LONG)
    played.pass_(1000)
    page = played.page
    assert page.locator("#sv-said article").count() == SHOWN
    for _ in range(200):
        if page.locator(".sv-earlier").count() == 0:
            break
        page.evaluate("document.querySelector('.sv-stage').scrollTop = -1e6")
        played.pass_(100)
        page.wait_for_timeout(10)  # the browser itself sends the event of scrolling
    assert page.locator("#sv-said article").count() == MANY
    assert page.text_content("#sv-said article:first-child .sv-no") == "#1"
    assert page.locator(".sv-earlier").count() == 0
    page.click("#sv-now")
    assert page.evaluate("document.querySelector('.sv-stage').scrollTop") == 0


def test_without_scrolling_a_button_shows_earlier_messages(browser: Pages, root: str) -> None:
    """The first message on the stage is below a button that adds those before it."""
    played = Played(browser, root, "at=40", LONG)
    played.pass_(1000)
    first = "#sv-said article >> nth=0"
    assert played.page.text_content(f"{first} >> .sv-no") == f"#{40 - SHOWN + 1}"
    played.page.evaluate("document.querySelector('.sv-earlier button').click()")
    assert played.page.text_content(f"{first} >> .sv-no") == "#1"


def test_a_card_says_who_speaks_and_how_long_nobody_did(browser: Pages, root: str) -> None:
    """Prompt and reply have headings with their speakers, and a long pause is said in words."""
    played = Played(browser, root, "at=5:2")
    last = "#sv-said article:last-of-type {}"
    assert played.page.locator(last.format("h3")).all_inner_texts() == ["You", "scripted"]
    assert played.page.get_attribute(last.format("h2 a"), "href") == "/logs/-/session/work/exchange/5"
    played.seek(10**9)
    assert played.page.locator("#sv-said .sv-gap").all_text_contents() == ["3 hours later"]
    heads = played.page.locator("#sv-said article").last.locator("h2, h3").all_text_contents()
    assert heads == ["Failed prompt", "You", "gpt-4o-mini", "Failed"]


def test_playing_shows_what_seeking_shows(browser: Pages, root: str) -> None:
    """Playing to a moment shows the same as seeking to it; pauses are capped, and it stops at the end."""
    played = Played(browser, root)
    played.page.keyboard.press(" ")
    for _ in range(6):
        played.pass_(700)
        assert played.said == expected(played.moment)
    played.page.keyboard.press(" ")
    where = played.moment
    assert where == pytest.approx(4200, abs=120)
    played.pass_(5000)
    assert played.moment == where
    played.seek(5990)
    assert len(played.said) == 2
    played.seek(6100)
    assert len(played.said) == 3
    played.page.keyboard.press("k")
    played.pass_(60_000)
    assert played.moment == Timeline(STEPS).total
    assert played.said[-1] == "sixth prompt|half a|The model runner stopped."
    assert played.page.get_attribute("#sv-play", "aria-label") == "Play"


def test_speed_and_pauses_change_while_playing(browser: Pages, root: str) -> None:
    """At 4× it plays 4 times as much, and changing the cap on pauses keeps the place in the session."""
    played = Played(browser, root, "speed=4&autoplay=1")
    played.pass_(500)
    assert played.moment == pytest.approx(2000, abs=120)
    for _ in range(2):
        played.page.keyboard.press("<")
    before = played.moment
    played.pass_(500)
    assert played.moment - before == pytest.approx(500, abs=40)
    played.page.keyboard.press(" ")
    said = played.said
    for value, idle in (("off", None), ("0", 0), ("10", 10)):
        played.page.select_option("#sv-idle", value)
        assert played.said == said
        assert played.page.get_attribute("#sv-seek", "max") == str(Timeline(STEPS, idle).total)


def test_all_that_is_shown_is_of_the_moment(browser: Pages, root: str) -> None:
    """The page shows wall-clock time, model time and the tokens so far.

    A chapter is plain text, and leads to its exchange. A rated exchange shows its rating from its beginning, and
    others show none. A reply that closes the script tag is shown as text, and nothing in it runs. The sidebar has the
    context window of the exchange, and links to what the model saw.
    """
    played = Played(browser, root)
    page = played.page
    assert (played.text("clock"), played.text("in")) == ("1 Sep 2026 08:00:00", "0")
    played.seek(2500)
    assert (played.text("where"), played.text("model")) == ("#2 of 5", "0:01 of 0:07")
    assert (played.text("clock"), played.text("in"), played.text("out")) == ("1 Sep 2026 08:00:02", "10", "4")
    played.seek(4500)
    assert played.text("clock") == "1 Sep 2026 08:30:01"
    assert (played.text("in"), played.text("out")) == ("30", "8")

    assert page.text_content("#sv-chapters button") == "#2 The <b>turn</b>"
    page.click("#sv-chapters button")
    assert played.text("where") == "#2 of 5"
    assert page.text_content("#sv-said .sv-chapter") == "The <b>turn</b>"

    page.keyboard.press("Shift+ArrowRight")
    assert played.text("where") == "#3 of 5"
    assert page.locator("#sv-said .sv-rated").all_inner_texts() == ["rated up"]
    assert page.locator('#sv-said article[data-number="2"] .sv-meta .sv-rated').count() == 1

    page.keyboard.press("Shift+ArrowRight")
    assert any("</script><script>window.ran = 1" in said for said in played.said)
    assert page.evaluate("window.ran") is None

    page.keyboard.press("Shift+ArrowRight")
    played.pass_(300)
    fates = page.evaluate("[...document.querySelectorAll('#sv-cells i')].map(cell => cell.className)")
    assert fates == ["sv-c-recalled", "sv-c-recent", "sv-c-recent", "sv-c-recent", "sv-c-now"]
    assert played.text("window-words") == "2,130 of 4,096 tokens, window 8,192"
    assert str(page.get_attribute("#sv-context", "href")).endswith("/work/context/5")
    assert played.watched.wrong == []


KEYS = {
    "next exchange": (["Shift+ArrowRight"], "#2 of 5"),
    "exchange before": (["Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft"], "#2 of 5"),
    "next event: the pin": (["]"], "#2 of 5"),
    "then the cut, with its tool call": (["]", "]"], "#4 of 5"),
    "event before": (["]", "]", "["], "#2 of 5"),
    "next messages": ([".", "."], "#3 of 5"),
    "message before": ([".", ".", ","], "#2 of 5"),
    "ten seconds on": (["ArrowRight", "ArrowRight"], "#4 of 5"),
    "five seconds back": (["ArrowRight", "ArrowRight", "ArrowLeft"], "#2 of 5"),
    "90 percent": (["9"], "#5 of 5"),
    "the start": (["9", "0"], "#1 of 5"),
    "the end": (["End"], "failed prompt"),
    "home": (["End", "Home"], "#1 of 5"),
    "with ctrl it is the browser's": (["Control+9"], "#1 of 5"),
}


def test_keys_and_addresses_lead_where_they_say(browser: Pages, root: str) -> None:
    """The keys of video players and asciinema work, but not with ctrl or in a select."""
    played = Played(browser, root)
    for what, (keys, where) in KEYS.items():
        played.seek(0)
        for key in keys:
            played.page.keyboard.press(key)
        assert played.text("where") == where, what
    played.seek(0)
    played.page.focus("#sv-speed")
    played.page.keyboard.press("9")
    assert played.text("where") == "#1 of 5"
    played.page.keyboard.press("Escape")
    played.page.focus("#sv-copy")
    played.page.keyboard.press("f")
    played.page.wait_for_selector("#sv-replay:fullscreen")
    played.page.wait_for_selector('#sv-full[aria-label="Leave full screen"]')
    played.page.keyboard.press("f")
    played.page.wait_for_selector("#sv-replay:not(:fullscreen)")
    played.page.keyboard.press(" ")
    assert played.page.get_attribute("#sv-play", "aria-label") == "Play"


def test_everything_is_in_the_address(browser: Pages, root: str) -> None:
    """A URL opens at its exchange and second with its speed and cap, and the page updates its URL."""
    played = Played(browser, root, "at=2:0.5&speed=8&idle=1")
    assert played.said == expected(2500)
    assert (played.page.input_value("#sv-speed"), played.page.input_value("#sv-idle")) == ("8", "1")
    played.seek(1000)
    played.pass_(300)
    assert played.page.url.endswith("?at=1:1.0&speed=8&idle=1")
    again = Played(browser, root, played.page.url.partition("?")[2])
    assert again.moment == 1000


def test_messages_are_rendered_as_in_the_transcript(browser: Pages, root: str) -> None:
    """Markdown and tool calls look as in the transcript, which lays arguments out on lines; nothing in them runs."""
    played = Played(browser, root, "at=5:2")
    played.page.wait_for_selector("#sv-said .sv-reply .sv-md table")
    found = "[...document.querySelectorAll('{}')].map(one => one.innerHTML)"
    shown = [played.page.evaluate(found.format(f"#sv-said {part}")) for part in (".sv-reply .sv-md", ".sv-code")]
    written = browser.watched(root).open("/logs/-/session/work")
    written.evaluate("document.querySelectorAll('.sv-copy').forEach(one => one.remove())")
    written.evaluate("document.querySelectorAll('.sv-code').forEach(one => one.removeAttribute('data-sv-copies'))")
    assert shown[0] == written.evaluate(found.format(".sv-reply .sv-md"))[: len(shown[0])]
    written_code = written.evaluate(found.format("article .sv-code"))
    assert ["".join(code.split()) for code in shown[1]] == ["".join(code.split()) for code in written_code]
    assert played.page.evaluate("window.ran") is None
    assert played.watched.wrong == []


def test_rendered_messages_grow_as_plain_ones_do(browser: Pages, root: str) -> None:
    """While a reply streams, the beginning of its HTML is shown, from nothing to all of it."""
    played = Played(browser, root, "at=5:2")
    played.page.wait_for_selector("#sv-said .sv-reply .sv-md table")
    reply = (
        "[...document.querySelectorAll('#sv-said article:last-of-type .sv-reply')].map(one => one.innerText).join('')"
    )
    whole = "".join(played.page.evaluate(reply).split())
    started, before = played.moment - 2000, ""
    for part in (0, 100, 400, 700, 1000, 1300, 1600, 1900, 1999):
        played.seek(started + part)
        text = "".join(played.page.evaluate(reply).split())
        assert whole.startswith(text)
        assert text.startswith(before)
        assert len(text) < len(whole)
        before = text
    assert len(before) > len(whole) / 2
    played.seek(started + 400)
    assert played.page.locator("#sv-said article:last-of-type .sv-reply strong").is_visible()
    assert not played.page.locator("#sv-said article:last-of-type .sv-reply table").is_visible()
    played.seek(started + 2000)
    assert "".join(played.page.evaluate(reply).split()) == whole


def test_without_the_rendered_form_messages_stay_plain_text(browser: Pages, root: str) -> None:
    """If the server does not respond, the replay continues with the plain text on the page."""
    watched = browser.watched(root)
    watched.page.route("**/replay.json?rendered=*", lambda route: route.fulfill(status=500, body="no"))
    page = watched.open(f"{HERE}?at=5:2")
    assert "**tide**" in page.text_content("#sv-said article:last-of-type .sv-reply")
    assert page.locator("#sv-said .sv-md").count() == 0


def test_reduced_motion_means_whole_replies_and_no_autoplay(browser: Pages, root: str) -> None:
    """With reduced motion nothing plays automatically, even if asked to, and a reply appears when it is complete."""
    played = Played(browser, root, "autoplay=1", reduced_motion="reduce")
    played.pass_(2000)
    assert played.moment == 0
    played.seek(999)
    assert played.said == ["first prompt"]
    played.seek(1000)
    assert played.said == [f"first prompt|{REPLIES[0]}"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_there_is_a_player_only_if_scripts_run(browser: Pages, root: str, scripts: bool) -> None:
    """Without them, the page has all messages. Each button has words, or a label."""
    watched = browser.watched(root, scripts=scripts)
    page = watched.open(HERE)
    assert page.locator("#sv-replay").is_visible() == scripts
    assert page.locator("noscript article").count() == (0 if scripts else 6)
    assert scripts or page.locator("noscript article").first.is_visible()
    names = page.locator(".content button:not([aria-label])").all_text_contents() if scripts else []
    assert all(re.search(r"[\w?]", name) for name in names)
    assert watched.wrong == []


def test_modules_load_below_a_base_url(browser: Pages, tmp_path: Path) -> None:
    """Behind a proxy with a base_url, the player's modules load and messages are rendered."""
    path = tmp_path / "logs.db"
    write_replay(path)
    with started(path, "--setting", "base_url", "/behind/") as root:
        watched = browser.watched(root)
        page = watched.open(f"/behind{HERE}?at=5:2")
        page.wait_for_selector("#sv-said .sv-reply .sv-md table")
        scripts = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
        modules = {one.rpartition("/")[2] for one in scripts if "/replay/" in one and one.endswith(".js")}
        assert {"main.js", "player.js", "stage.js", "clock.js", "keys.js"} <= modules
        assert watched.wrong == []

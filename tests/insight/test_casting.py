"""The rules of a replay in a terminal: timed output, recordings, and keys."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.commands.replaying import Player
from llm_session_memory.insight.casting import Printed, cast, printed
from llm_session_memory.insight.scenes import Scene
from llm_session_memory.insight.timing import CallTiming, Timeline

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
PIECES = st.lists(st.tuples(st.sampled_from(["you", "reply", "tool_call", "failed"]), TEXT, TEXT), max_size=3)
SCENES = st.lists(
    st.builds(
        Scene,
        number=st.integers(1, 99) | st.none(),
        first=st.booleans(),
        utc=st.just("2026-09-01T08:00:00+00:00"),
        model=TEXT,
        step=st.builds(CallTiming, st.integers(0, 10**6), st.integers(0, 10**4)),
        before=PIECES.map(tuple),
        after=PIECES.map(tuple),
    ),
    max_size=6,
)


@given(SCENES, st.floats(0, 100))
def test_output_comes_in_order_and_all_of_it(scenes: list[Scene], idle: float) -> None:
    """Moments never decrease or exceed the end, and the whole text is printed, however long the pauses may be."""
    timeline = Timeline([scene.step for scene in scenes], idle)
    events = list(printed(scenes, timeline))
    moments = [event.moment for event in events]
    assert moments == sorted(moments)
    assert all(moment <= timeline.total + 1e-6 for moment in moments)
    at_once = list(printed(scenes, Timeline([CallTiming(0, 0) for _ in scenes])))
    assert "".join(event.text for event in events) == "".join(event.text for event in at_once)


def test_an_excerpt_is_printed_with_its_own_label() -> None:
    """An excerpt names its exchange itself, so the replay does not name it again."""
    before = (("recalled", "#1", "[#1 user 2026-11-21] The deadline is 4 May."), ("you", "", "When?"))
    scene = Scene(number=8, first=True, utc="", model="llama3", step=CallTiming(0, 0), before=before, after=())
    (event,) = printed([scene], Timeline([scene.step]))
    assert "recalled [#1 user 2026-11-21] The deadline is 4 May." in event.text
    assert event.text.count("#1") == 1


@given(SCENES, st.sampled_from([0.5, 1.0, 16.0]))
def test_a_recording_holds_the_output_at_its_speed(scenes: list[Scene], speed: float) -> None:
    """The first line describes the recording; every other line is a time in seconds, `o`, and a text."""
    timeline = Timeline([scene.step for scene in scenes])
    head, *rest = [json.loads(line) for line in cast(scenes, timeline, speed=speed, title="work", size=(80, 24))]
    assert head == {**head, "version": 2, "width": 80, "height": 24, "title": "work"}
    events = list(printed(scenes, timeline))
    assert [text.replace("\r\n", "\n") for _, _, text in rest] == [event.text for event in events]
    assert [at for at, _, _ in rest] == [round(event.moment / 1000 / speed, 3) for event in events]
    assert {kind for _, kind, _ in rest} <= {"o"}


class Terminal:
    """A terminal whose clock moves only while the player waits, and whose keys are pressed at given seconds."""

    def __init__(self, *pressed: tuple[float, str]) -> None:
        self.now = 0.0
        self.screen = ""
        self.at: list[tuple[float, str]] = []
        self._pressed = list(pressed)

    def put(self, text: str) -> None:
        """Print, or clear the screen."""
        self.screen = "" if text == "\x1b[2J\x1b[H" else self.screen + text
        self.at.append((round(self.now, 3), text))

    def wait(self, seconds: float | None, /) -> str | None:
        """Let time pass until a key is pressed or the seconds are over."""
        if self._pressed and (seconds is None or self._pressed[0][0] <= self.now + seconds):
            when, key = self._pressed.pop(0)
            self.now = max(self.now, when)
            return key
        assert seconds is not None, "waits forever"
        self.now += seconds
        return None

    def play(self, events: Sequence[Printed], speed: float = 1.0) -> Player:
        """Play events on this terminal."""
        player = Player(events, speed, self.put, self.wait, lambda: self.now)
        player.run()
        return player


EVENTS = [Printed(0, "a", head=True), Printed(1000, "b"), Printed(8000, "c", head=True), Printed(9000, "d")]


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0])
def test_everything_is_printed_when_it_is_due(speed: float) -> None:
    """Each text comes at its moment divided by the speed, and nothing comes after the last one."""
    terminal = Terminal()
    terminal.play(EVENTS, speed)
    assert terminal.at == [(event.moment / 1000 / speed, event.text) for event in EVENTS]


def test_space_pauses_and_resumes() -> None:
    """Space pauses the replay; a second space resumes it at the same moment, however long the pause was."""
    terminal = Terminal((0.5, " "), (60, " "))
    terminal.play(EVENTS)
    assert terminal.at == [(0, "a"), (60.5, "b"), (67.5, "c"), (68.5, "d")]


@pytest.mark.parametrize(
    ("key", "next_"),
    [
        pytest.param("\x1b[C", (3.0, "c"), id="right: five seconds forward"),
        pytest.param("]", (1.5, "c"), id="the next exchange, at once"),
        pytest.param(">", (4.75, "c"), id="faster"),
        pytest.param("<", (14.5, "c"), id="slower"),
        pytest.param("x", (8.0, "c"), id="an unknown key"),
    ],
)
def test_keys_change_what_comes_next(key: str, next_: tuple[float, str]) -> None:
    """Arrows seek, brackets jump by exchange, and angle brackets change the speed from that moment on."""
    terminal = Terminal((1.5, key))
    terminal.play(EVENTS)
    assert terminal.at[2] == next_
    assert terminal.screen == "abcd"


@pytest.mark.parametrize("key", ["[", "\x1b[D"], ids=["previous exchange", "five seconds back"])
def test_going_back_shows_the_screen_of_that_moment(key: str) -> None:
    """The screen is cleared and printed up to that moment; at the end every text is there exactly once."""
    terminal = Terminal((8.2, key))
    terminal.play(EVENTS)
    cleared = [text for _, text in terminal.at].index("\x1b[2J\x1b[H")
    assert terminal.at[cleared + 1][1] in ("a", "ab")
    assert terminal.screen == "abcd"


def test_q_quits() -> None:
    """After q, nothing more is printed."""
    terminal = Terminal((1.5, "q"))
    terminal.play(EVENTS)
    assert terminal.screen == "ab"

"""How a deletion reads."""

from __future__ import annotations

import pytest

from llm_session_memory.commands.deletion_text import amounts, lines
from llm_session_memory.model import Amounts, Conversation, Covering, DeletionPlan, Stay, Trace

WORK = Conversation("01a", "work", None, None)
TALK = Conversation("01b", None, None, None, "What is the\ncapital \x1b[31mof Peru?")


@pytest.mark.parametrize(
    ("found", "of", "numbers", "text"),
    [
        (Amounts(), [WORK], (), "nothing"),
        (
            Amounts(conversations=1, sessions=1, exchanges=2, turns=3, messages=1, bytes=1_200),
            [WORK],
            (),
            "session “work”: 2 exchanges, 3 model calls, 1 message; 1,200 bytes of text and files",
        ),
        (
            Amounts(exchanges=4, turns=4, summaries=2, bytes=1),
            [WORK],
            (3, 12, 13, 14),
            "#3, #12–#14 of session “work”: 4 exchanges, 2 summaries; 1 byte of text and files",
        ),
        (
            Amounts(conversations=1, exchanges=1, turns=1),
            [TALK],
            (),
            "conversation 01b (“What is the capital ␛[31mof Peru?”): 1 exchange; 0 bytes of text and files",
        ),
        (
            Amounts(conversations=2_003, sessions=1, attempts=1),
            [WORK, TALK],
            (),
            "1 session and 2,002 conversations without a name: 1 failed prompt; 0 bytes of text and files",
        ),
    ],
    ids=["nothing", "a session", "exchanges", "without a name", "several"],
)
def test_what_goes(found: Amounts, of: list[Conversation], numbers: tuple[int, ...], text: str) -> None:
    """A single conversation is named, several are counted, and only what goes is said."""
    assert amounts(found, of, numbers) == text


def _trace(kind: str, name: str, number: int, of_number: int) -> Trace:
    return Trace(kind, name, name, number, f"{name}{number}", "01a", "work", of_number)


TRACES = (
    _trace("history", "work", 5, 3),
    _trace("excerpt", "play", 7, 4),
    _trace("excerpt", "play", 7, 3),
    _trace("summary", "play", 7, 3),
    _trace("history", "work", 4, 3),
)


@pytest.mark.parametrize(
    ("blank", "first"),
    [
        (False, "Text of it stays in 3 later requests, unless you add --with-traces:"),
        (True, "Text of it would be blanked in 3 later requests:"),
    ],
    ids=["kept", "blanked"],
)
def test_traces_are_listed_by_request(blank: bool, first: str) -> None:
    """Each later request with text of what goes is a line, with all that it has of which exchanges."""
    assert [*lines(DeletionPlan(traces=TRACES), blank=blank)] == [
        first,
        "  “play” #7 has #3–#4 of “work” (excerpt), #3 of “work” (summary)",
        "  “work” #4 has #3 of “work” (history)",
        "  “work” #5 has #3 of “work” (history)",
    ]


def test_traces_of_undone_exchanges_are_listed_without_a_number() -> None:
    """An exchange that was undone has no number, so a trace of it, or in its request, says that it was undone."""
    traces = (
        _trace("history", "work", 4, 3),
        _trace("history", "work", 4, 0),
        _trace("history", "work", 5, 0),
        _trace("history", "work", 0, 3),
    )
    assert [*lines(DeletionPlan(traces=traces), blank=True)][1:] == [
        "  An undone exchange of “work” has #3 of “work” (history)",
        "  “work” #4 has #3 and 1 undone exchange of “work” (history)",
        "  “work” #5 has 1 undone exchange of “work” (history)",
    ]


def test_what_stays_and_what_else_goes() -> None:
    """What stays has its reason and what to do. What goes besides is said too."""
    plan = DeletionPlan(
        stays=(
            Stay("01a", "work", (), "busy", "", "“work” stays, because another process uses it.", "Try again."),
            Stay(
                "01a", "work", (2,), "fork", "copy", "#2 stays, because “copy” has it.", "Delete it there.", undone=True
            ),
        ),
        moved=(("work", "copy", 2),),
        covering=(
            Covering("summary", "01a", "work", 1, 12, in_use=True),
            Covering("title", "01a", "work", 1, 3, in_use=True),
        ),
    )
    assert [*lines(plan)] == [
        "“work” stays, because another process uses it. Try again.",
        "#2 stays, because “copy” has it. It would only be taken out of “work”, as if undone. Delete it there.",
        "“copy” was forked from “work”: it keeps 2 exchanges of it.",
        "The summary of “work” #1 to #12 goes as well. The next prompt that needs a summary makes another one.",
        "The title of “work”, which a model wrote, goes as well.",
    ]
    assert [*lines(plan, most=1)][1] == "  … and 1 more (--json has all)"

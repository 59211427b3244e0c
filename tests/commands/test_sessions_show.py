"""`llm sessions show`: the transcript, as Markdown and as JSON."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import llm
import pytest

from llm_session_memory.model import Settings
from tests.conftest import Command
from tests.world.logs import Call, LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

SPOOF, SHOWN = "a\nError: \x07gone\tb", "a␊Error: ␇gone␉b"
USAGE = "Usage: cli sessions show [OPTIONS] NAME\nTry 'cli sessions show --help' for help.\n\n"


@pytest.fixture(name="thread")
@once
def _thread(llm_: Command, script: Script, log: Path) -> str:
    """A session `work` with four exchanges of every kind."""
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(
            thread,
            Said("We build a bridge.", system="Be brief.", tokens=(40, 6)),
            Said(
                "What does it weigh?",
                "12 t.",
                fragments=(llm.Fragment("Steel: 12 t.", "notes.txt"),),
                attachments=(llm.Attachment(type="image/png", content=b"\x89PNG"),),
                tokens=(1_070, 1_004),
            ),
            Said("Ask the weather.", "Rain.", calls=(Call("weather", {"in": "Lisbon"}, "rain\nand wind"),)),
            Said("Thanks.", "You are welcome.", duration_ms=0),
        )
    llm_("sessions", "name", thread, "work").ok()
    llm_("sessions", "pin", "work", "1").ok()
    return thread


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("sessions", "show", SPOOF), f"Error: Session “{SHOWN}” not found. List sessions with: llm sessions\n"),
        (("--session", "new", "--recall-from", f"tag:{SPOOF}", "Hi"), f"Error: No session has the tag “{SHOWN}”."),
        (("--session", "new", "--recall-from", f'"{SPOOF}', "Hi"), f'“"{SHOWN}” has a quotation mark in the wrong'),
        (("--session", "new", "--memory", SPOOF, "Hi"), f"Error: Invalid value for '--memory': “{SHOWN}” is not"),
        (("--session", "new", "-m", SPOOF, "Hi"), f"Error: Model “{SHOWN}” not found."),
    ],
    ids=["command", "prompt", "recall from", "policy", "model"],
)
def test_a_name_cannot_end_an_error(llm_: Command, thread: str, command: tuple[str, ...], shown: str) -> None:
    """A line end or control character in a name that an error quotes is shown as a sign, and ends no line."""
    assert shown in llm_(*command).err


TRANSCRIPT = """\
# work

4 exchanges · scripted · {thread}

**System prompt:** Be brief.

## #1 · 2026-09-01 08:00 UTC · scripted · 40 → 6 tokens · 0.8 s · pinned

**You:** We build a bridge.

**Model:** Noted.

## #2 · 2026-09-01 08:01 UTC · scripted · 1,070 → 1,004 tokens · 0.8 s

*Fragments: notes.txt*

**You:** Steel: 12 t.
What does it weigh?

*Attachment: image/png, {attachment}, stored in the log*

**Model:** 12 t.

## #3 · 2026-09-01 08:02 UTC · scripted · 1.6 s

**You:** Ask the weather.

*Tool call* `weather` `{{"in": "Lisbon"}}`

*Result of `weather`:*

> rain
> and wind

**Model:** Rain.

## #4 · 2026-09-01 08:03 UTC · scripted

**You:** Thanks.

**Model:** You are welcome.
"""


def test_the_transcript(llm_: Command, thread: str) -> None:
    """The transcript is Markdown: each exchange with its number, facts, texts, fragments, attachments, tool traffic."""
    attachment = llm.Attachment(type="image/png", content=b"\x89PNG").id()[:12]
    assert llm_("sessions", "show", "work").ok().out == TRANSCRIPT.format(thread=thread, attachment=attachment)


@pytest.mark.parametrize(
    ("flags", "numbers", "fact"),
    [
        (("-n", "1"), [4], "exchange 4 of 4"),
        (("-n", "9"), [1, 2, 3, 4], "4 exchanges"),
        (("--from", "3"), [3, 4], "exchanges 3 to 4 of 4"),
        (("--to", "2"), [1, 2], "exchanges 1 to 2 of 4"),
        (("--from", "2", "--to", "3"), [2, 3], "exchanges 2 to 3 of 4"),
        (("--to", "99"), [1, 2, 3, 4], "4 exchanges"),
    ],
    ids=["newest", "more than there are", "from", "to", "from and to", "to beyond the end"],
)
def test_a_part_of_it(llm_: Command, thread: str, flags: tuple[str, ...], numbers: list[int], fact: str) -> None:
    """-n, --from and --to choose exchanges by number. The heading says how many there are."""
    out = llm_("sessions", "show", "work", *flags).ok().out
    assert [int(number) for number in re.findall(r"^## #(\d+)", out, re.MULTILINE)] == numbers
    assert out.splitlines()[2] == f"{fact} · scripted · {thread}"
    shown = json.loads(llm_("sessions", "show", "work", "--json", *flags).ok().out)
    assert ([exchange["number"] for exchange in shown["exchanges"]], shown["exchanges_in_all"]) == (numbers, 4)


@pytest.mark.parametrize(
    ("flags", "error", "code"),
    [
        (("-n", "2", "--from", "1"), USAGE + "Error: -n can't be combined with --from or --to.\n", 2),
        (("--from", "3", "--to", "2"), USAGE + "Error: --from can't be greater than --to.\n", 2),
        (("--from", "5"), "Error: Session “work” has no exchange #5. It has 4 exchanges.\n", 1),
    ],
    ids=["-n with --from", "backwards", "beyond the end"],
)
def test_a_part_that_does_not_exist(llm_: Command, thread: str, flags: tuple[str, ...], error: str, code: int) -> None:
    """A part that can't be shown is an error that says why, never an empty transcript."""
    done = llm_("sessions", "show", "work", *flags)
    assert (done.out, done.err, done.code) == ("", error, code)


def test_json(llm_: Command, thread: str) -> None:
    """--json has the session's settings, and each exchange with its turns and messages as they are stored."""
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    exchanges = shown.pop("exchanges")
    assert shown == {
        "name": "work",
        "title": None,
        "thread_id": thread,
        "model": "scripted",
        "system": "Be brief.",
        **dict.fromkeys(one.name for one in fields(Settings) if one.name not in ("model", "system", "options")),
        "budget_usd": None,
        "private": False,
        "project": None,
        "template": None,
        "options": {},
        "forked_from": None,
        "forks": [],
        "tags": [],
        "meta": {},
        "notes": [],
        "notes_for_all_sessions": [],
        "exchanges_in_all": 4,
        "attempts": [],
    }
    assert [(e["number"], e["pinned"], e["prompt"], e["reply"], len(e["turns"])) for e in exchanges] == [
        (1, True, "We build a bridge.", "Noted.", 1),
        (2, False, "Steel: 12 t.\nWhat does it weigh?", "12 t.", 1),
        (3, False, "Ask the weather.", "Rain.", 2),
        (4, False, "Thanks.", "You are welcome.", 1),
    ]
    first = exchanges[0]["turns"][0]
    assert first.pop("id") == exchanges[0]["id"]
    assert first == {
        "model": "scripted",
        "datetime_utc": "2026-09-01T08:00:00+00:00",
        "duration_ms": 800,
        "input_tokens": 40,
        "output_tokens": 6,
        "cut": None,
        "messages": [
            {"role": "user", "parts": [{"type": "text", "text": "We build a bridge."}]},
            {"role": "assistant", "parts": [{"type": "text", "text": "Noted."}]},
        ],
    }


def test_what_is_not_sent_any_more_is_shown(llm_: Command, script: Script) -> None:
    """The transcript has every exchange, including those no longer sent."""
    for number in range(8):
        llm_("-m", "scripted", "--session", "work", "--max-context-tokens", "80", f"{number} " * 30).ok()
    assert len(script.seen[-1]) < 7
    assert len(re.findall("^## #", llm_("sessions", "show", "work").ok().out, re.MULTILINE)) == 8


def test_what_a_model_wrote_can_do_nothing_to_the_terminal(llm_: Command, script: Script) -> None:
    """Control characters and direction marks in a reply are printed as visible signs. --json keeps them, escaped."""
    evil = "\x1b[2J\x07 \u202egnp.exe"
    script.replies = [evil]
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    assert "**Model:** ␛[2J␇ ⟦U+202E⟧gnp.exe\n" in llm_("sessions", "show", "work").ok().out
    assert json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"][0]["reply"] == evil


def test_a_session_that_is_not_there(llm_: Command, script: Script, log: Path) -> None:
    """The error for an unknown name suggests a similar name, the list of sessions, or how to start one."""
    missing = llm_("sessions", "show", "work")
    assert missing.err == f'Error: There is no log at {log} yet. Start a session with: llm --session NAME "..."\n'
    assert not log.exists()
    llm_("-m", "scripted", "Hello").ok()
    none = llm_("sessions", "show", "work")
    assert none.err == (
        f"Error: Session “work” not found. There are no sessions in {log} yet. "
        'Start one with: llm --session NAME "..."\n'
    )
    llm_("-m", "scripted", "--session", "bridge", "Hello").ok()
    near, far = llm_("sessions", "show", "brigde"), llm_("sessions", "show", "work")
    assert near.err == "Error: Session “brigde” not found. Did you mean “bridge”?\n"
    assert far.err == "Error: Session “work” not found. List sessions with: llm sessions\n"
    assert {done.code for done in (missing, none, near, far)} == {1}


def test_a_session_that_only_failed(llm_: Command, script: Script) -> None:
    """A session whose first prompt failed has no exchange yet; the attempt is shown."""
    script.replies = [RuntimeError("no memory left")]
    llm_("-m", "scripted", "--session", "work", "Hello")
    out = llm_("sessions", "show", "work").ok().out
    assert re.fullmatch(
        r"# work\n\n0 exchanges · scripted · \w{26}\n\n## Not answered · [\d-]+ [\d:]+ UTC · scripted\n\n"
        r"\*\*You:\*\* Hello\n\n\*Failed: no memory left\*\n\n"
        r"\*Retry sends the newest unanswered prompt again:\* `llm sessions retry work`\n",
        out,
    )

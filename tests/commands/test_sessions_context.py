"""`llm sessions context`: exactly what would be sent for a prompt, and why; nothing is sent and nothing is written."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.store.index import Index
from tests.conftest import Command
from tests.store.world import contents, opened
from tests.world.once import once
from tests.world.scripted import Script

LONG = "The paint of the bridge is red, and it dries in a day. " * 4


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script) -> Script:
    """A session `work` of six exchanges with a system prompt; its model counts four characters a token."""
    script.count = lambda text: -(-len(text) // 4)
    for number in range(1, 7):
        llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", f"Number {number}. {LONG}").ok()
    return script


def _context(llm_: Command, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(llm_("sessions", "context", "work", *arguments, "--json").ok().out)
    return found


def _texts(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(m["role"], "".join(part.get("text", "") for part in m["parts"])) for m in made["messages"]]


def _layout(out: str) -> str:
    """Return the output with N for token counts and one blank between columns."""
    counted = re.sub(r"(?<![#\d–,])\d[\d,]*(?= )(?! for)|(?<=for )\d[\d,]*", "N", out)
    return "\n".join(" ".join(line.split()) for line in counted.splitlines())


def test_item_by_item(llm_: Command, work: Script) -> None:
    """Each item has number, fate, tokens and reason. Then come budget, window and its source, policy and block."""
    assert _layout(llm_("sessions", "context", "work", "When is the deadline?").ok().out) == "\n".join(
        [
            "# fate tokens why",
            "system N the session's system prompt: Be brief.",
            *(f"#{number} recent N newest, sent whole" for number in range(1, 7)),
            "prompt N the new prompt: When is the deadline?",
            "",
            "request about N tokens",
            "budget N tokens: the default",
            "window not known for this model",
            "policy recall, model scripted",
            "block continues: the previous request without excerpts, its reply, and the new prompt",
        ]
    )


def test_pinned_and_pruned_items(llm_: Command, work: Script) -> None:
    """A pinned item is listed where it is sent, pruned items as a range, and the block says why it is new."""
    llm_("sessions", "pin", "work", "2").ok()
    out = llm_("sessions", "context", "work", "--max-context-tokens", "300", "Hello").ok().out
    assert _layout(out).splitlines() == (
        [
            "# fate tokens why",
            "system N the session's system prompt: Be brief.",
            "#2 pinned N pinned",
            "#1 pruned in the log, not sent",
            "#3–#5 pruned in the log, not sent",
            "#6 recent N newest, sent whole",
            "prompt N the new prompt: Hello",
            "",
            "request about N tokens",
            "budget N tokens: --max-context-tokens",
            "window not known for this model",
            "policy recall, model scripted",
            "block new: the budget or the policy changed",
            (
                "notice The session no longer fits in N tokens: "
                "exchanges #1 to #5 stay in the log, and only the parts relevant to a prompt are sent."
            ),
        ]
    )


CASES: dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]] = {
    "goes on": ((), []),
    "pins, then less room": (("--max-context-tokens", "300"), [("pin", "work", "3"), ("pin", "work", "1")]),
    "less room": (("--max-context-tokens", "400"), []),
    "newest cut": (("--max-context-tokens", "60"), []),
    "no room": (("--max-context-tokens", "10"), []),
    "other system prompt": (("-s", "Be kind."), []),
    "other model": (("-m", "other"), []),
    "everything": (("--memory", "full"), [("pin", "work", "2")]),
    "system prompt removed": ((), [("set", "work", "-s", "")]),
    "a smaller budget from now on": ((), [("set", "work", "--max-context-tokens", "500")]),
}


@pytest.mark.parametrize(("flags", "before"), CASES.values(), ids=CASES)
def test_it_is_what_is_sent(llm_: Command, work: Script, flags: tuple[str, ...], before: list[tuple[str, ...]]) -> None:
    """The dry run shows the messages that the model gets for that prompt, and the same figures."""
    for command in before:
        llm_("sessions", *command).ok()
    made = _context(llm_, *flags, "When is the deadline?")
    llm_("--session", "work", *flags, "When is the deadline?").ok()
    assert _texts(made) == work.texts()
    assert work.count
    counted = sum(work.count(text) + 4 for _, text in work.texts())
    assert abs(made["tokens"] - counted) <= 0.1 * counted + 2
    assert sum(item["tokens"] for item in made["items"]) == pytest.approx(made["tokens"], rel=0.05, abs=10)


def test_it_is_what_is_sent_with_tools(llm_: Command, script: Script) -> None:
    """Tools that would be offered again are in the dry run; other tools are not."""
    call = json.dumps({"raw": "ok", "tool_calls": [{"name": "double", "arguments": {"text": "ab"}}]})
    functions = 'def double(text: str) -> str:\n    "Say it twice."\n    return text * 2\n'
    llm_("-m", "echo", "--session", "work", "-T", "llm_version", "--functions", functions, call).ok()
    llm_("-m", "scripted", "--session", "work", "Again").ok()
    items = _context(llm_, "-m", "scripted", "Hello")["items"]
    assert [item["reason"] for item in items if item["fate"] == "tools"] == ["tool definitions: llm_version"]
    made = _context(llm_, "-m", "scripted", "Hello")
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    assert [m["role"] for m in made["messages"]] == [m.role for m in script.seen[-1]]


def _files(home: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}


FLAGS = ((), ("--text",), ("--json",), ("--max-context-tokens", "60"), ("-s", "Be kind."), ("-m", "other"))


@pytest.mark.parametrize("policy", ["window", "recall"])
def test_nothing_is_sent_and_nothing_written(llm_: Command, work: Script, home: Path, log: Path, policy: str) -> None:
    """The dry run calls no model and, once the index is up to date, leaves every file unchanged byte for byte."""
    if policy == "recall":
        with opened(log) as found:
            Index(found).catch_up_all()
    before = _files(home)
    for flags in FLAGS:
        llm_("sessions", "context", "work", "--memory", policy, *flags, "When does the paint dry?").ok()
    assert _files(home) == before
    assert len(work.seen) == 6


def test_the_index_catches_up_for_the_dry_run(llm_: Command, work: Script, log: Path) -> None:
    """If something could be recalled, the dry run brings the full-text index up to date, and writes nothing else."""
    before = contents(log)
    llm_("sessions", "context", "work", "--max-context-tokens", "300", "When does the paint dry?").ok()
    changed = {name for name, rows in contents(log).items() if rows != before[name]}
    assert changed == {"memory_index", "memory_passages"}


def test_a_block_says_why_it_begins(llm_: Command, work: Script, log: Path) -> None:
    """A block begins with a session's first prompt, and when its conversation was continued outside the session."""
    assert _context(llm_, "Hello")["block"] == {"continues": True, "start": 1, "reason": "the session's first prompt"}
    with sqlite3.connect(log) as database:
        (thread,) = database.execute("select distinct thread_id from turns").fetchone()
    llm_("--cid", thread, "Without the session").ok()
    elsewhere = "the conversation was continued elsewhere since the last prompt"
    assert _context(llm_, "Hello")["block"] == {"continues": False, "start": 1, "reason": elsewhere}


def test_an_imported_session_had_prompts_before(llm_: Command, work: Script, tmp_path: Path) -> None:
    """The next prompt of an imported session is not called its first, and what it would be sent is known."""
    file = tmp_path / "came.jsonl"
    file.write_text('{"prompt": "We build a bridge.", "response": "Where?"}\n')
    llm_("sessions", "import", str(file), "--as", "came").ok()
    made = json.loads(llm_("sessions", "context", "came", "In Lisbon.", "-m", "scripted", "--json").ok().out)
    reason = "the first prompt since the session was imported or named"
    assert made["block"] == {"continues": False, "start": 1, "reason": reason}
    assert [item["fate"] for item in made["items"]] == ["recent", "prompt"]


def test_json(llm_: Command, work: Script) -> None:
    """--json has budget, window, policy, block, items with fate and reason, and the messages in full."""
    llm_("sessions", "pin", "work", "1").ok()
    made = _context(llm_, "--max-context-tokens", "300", "Hello")
    messages, items = made.pop("messages"), made.pop("items")
    assert made.pop("tokens") <= 300
    assert made == {
        "session": "work",
        "measured": True,
        "budget": 300,
        "room_for_answer": 0,
        "window": None,
        "window_source": "not known for this model",
        "policy": "recall",
        "block": {"continues": False, "start": 6, "reason": "the budget or the policy changed"},
        "exchanges": 6,
        "notices": [
            (
                "The session no longer fits in 300 tokens: "
                "exchanges #1 to #5 stay in the log, and only the parts relevant to a prompt are sent."
            )
        ],
    }
    assert [(item["fate"], item["first"], item["last"]) for item in items] == [
        ("system", None, None),
        ("pinned", 1, 1),
        ("pruned", 2, 5),
        ("recent", 6, 6),
        ("prompt", None, None),
    ]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_text(llm_: Command, script: Script) -> None:
    """--text prints the messages themselves."""
    llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", "One").ok()
    out = llm_("sessions", "context", "work", "--text", "Two").ok().out
    assert out == "--- system\nBe brief.\n--- user\nOne\n--- assistant\nNoted.\n--- user\nTwo\n"


def test_without_a_prompt(llm_: Command, work: Script) -> None:
    """Without a prompt the dry run shows what would be sent before any prompt."""
    made = _context(llm_)
    assert [item["fate"] for item in made["items"]] == ["system", *["recent"] * 6, "prompt"]
    assert _texts(made) == [*work.texts(), ("assistant", "Noted.")]


def test_what_would_be_refused_is_refused(llm_: Command, work: Script) -> None:
    """If the prompt itself would be an error, the dry run is the same error."""
    flags = ("--memory", "full", "--max-context-tokens", "300", "Hello")
    dry, real = llm_("sessions", "context", "work", *flags), llm_("--session", "work", *flags)
    assert (dry.err, dry.code) == (real.err, 1)
    assert len(work.seen) == 6

"""Two processes in one session at the same time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.world.processes import Running

pytestmark = pytest.mark.slow

Start = Callable[..., Running]

MEET = """
import pathlib, time

def meet(folder: str, me: str, others: int) -> str:
    "Wait until all are here."
    here = pathlib.Path(folder)
    (here / me).touch()
    until = time.monotonic() + 60
    while len(list(here.iterdir())) < others and time.monotonic() < until:
        time.sleep(0.01)
    return str(len(list(here.iterdir())))
"""
"""A tool that holds each process in the middle of its exchange until all processes have reached it."""


def _together(start_llm: Start, meeting: Path, names: list[str], *arguments: str) -> list[tuple[str, str, int | None]]:
    """Run the prompts in parallel processes, each held in mid-exchange until all are; return their outputs."""
    meeting.mkdir()
    processes = []
    for name in names:
        call = {"name": "meet", "arguments": {"folder": str(meeting), "me": name, "others": len(names)}}
        prompt = json.dumps({"raw": name, "tool_calls": [call]})
        processes.append(start_llm(*arguments, "--functions", MEET, prompt))
    outputs = [(*process.communicate(timeout=120), process.returncode) for process in processes]
    assert len(list(meeting.iterdir())) == len(names)
    return [(out, err, code) for out, err, code in outputs]


def _names(llm_: Command) -> list[list[str]]:
    """Return, for each exchange, the reply of its first turn and the tool result in its second."""
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    found = []
    for exchange in shown["exchanges"]:
        messages = [message for turn in exchange["turns"] for message in turn["messages"]]
        outputs = [part.get("output") or part.get("text", "") for message in messages for part in message["parts"]]
        roles = [message["role"] for message in messages]
        found.append([outputs[1], outputs[3]] if roles == ["user", "assistant", "tool", "assistant"] else roles)
    return found


@pytest.mark.parametrize("created", [True, False], ids=["existing", "new"])
def test_both_keep_their_exchanges(llm_: Command, start_llm: Start, tmp_path: Path, created: bool) -> None:
    """Prompts at the same time keep their exchanges whole, in one session, new or not; the next prompt sees all."""
    before = 0
    if created:
        llm_("-m", "echo", "--session", "work", "Hello").ok()
        before = 1
    names = ["ann", "ben", "cem"]
    done = _together(start_llm, tmp_path / "meeting", names, "-m", "echo", "--session", "work")
    assert [code for _, _, code in done] == [0, 0, 0], done
    told = sorted(err for _, err, _ in done)
    assert told == ["", "", "" if created else "session work: created with echo\n"]
    exchanges = _names(llm_)[before:]
    assert sorted(exchanges) == [["ann", "3"], ["ben", "3"], ["cem", "3"]]
    (line,) = json.loads(llm_("sessions", "--json").ok().out)
    assert line["exchanges"] == before + 3

    context = json.loads(llm_("sessions", "context", "work", "And now?", "--json").ok().out)
    assert not context["block"]["continues"]
    sent = [m for m in context["messages"] if m["role"] == "tool"]
    assert [m["parts"][0]["output"] for m in sent] == ["3", "3", "3"]
    seen = json.loads(llm_("--session", "work", "And now?").ok().out)["previous"]
    asked = [json.loads(one["prompt"])["raw"] for one in seen if one["prompt"].startswith("{")]
    assert sorted(asked) == names


def test_a_plain_prompt_beside_a_session(llm_: Command, start_llm: Start, tmp_path: Path) -> None:
    """A plain `llm --cid` on a session's conversation while a session prompt runs is logged, and comes, first."""
    llm_("-m", "echo", "--session", "work", "Hello").ok()
    thread = json.loads(llm_("sessions", "--json").ok().out)[0]["thread_id"]
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    call = {"name": "meet", "arguments": {"folder": str(meeting), "me": "ann", "others": 2}}
    prompt = json.dumps({"raw": "ann", "tool_calls": [call]})
    process = start_llm("--session", "work", "--functions", MEET, prompt)
    assert process.stdout.read(3) == "ann"
    llm_("--cid", thread, "Meanwhile").ok()
    (meeting / "plain").touch()
    process.communicate(timeout=120)
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert [len(exchange["turns"]) for exchange in shown] == [1, 1, 2]
    assert shown[1]["prompt"] == "Meanwhile"
    previous = json.loads(llm_("--session", "work", "And now?").ok().out)["previous"]
    assert {"prompt": "Meanwhile"} in previous
    assert len([one for one in previous if '"raw": "ann"' in one["prompt"]]) == 1

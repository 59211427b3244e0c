"""Money in a session: what `-u` says about it, and budgets in dollars, which refuse a prompt before it is sent."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import llm
import pytest
from llm.plugins import pm

from llm_session_memory.errors import TooExpensive
from llm_session_memory.memory import Memory
from llm_session_memory.reader import prices
from llm_session_memory.rules.money import exact, parsed_budget
from llm_session_memory.store import costs
from tests.conftest import Command
from tests.world.scripted import AsyncScriptedModel, Script, ScriptedModel

PRICED = "anthropic/claude-3-opus-20240229"
"""A model at 15 dollars for a million tokens in and 75 for a million out."""


class Plugin:
    """Registers the scripted model under an id that has a price."""

    def __init__(self, script: Script) -> None:
        self.script = script

    @llm.hookimpl
    def register_models(self, register: object) -> None:
        """Register the model."""
        register(ScriptedModel(PRICED, self.script), AsyncScriptedModel(PRICED, self.script))  # type: ignore[operator]


@pytest.fixture(name="script")
def _script(script: Script) -> Iterator[Script]:
    """The script, whose models count 1,000 tokens for each text, and each message 4."""
    script.count = lambda text: 1_000 if text else 0
    plugin = Plugin(script)
    pm.register(plugin)
    yield script
    pm.unregister(plugin)


def _usage(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith(("Cost", "Session", "Token"))]


def test_usage_says_what_the_prompt_and_the_session_cost(llm_: Command, script: Script) -> None:
    """The line comes after llm's own; the second prompt sends the first exchange again, and pays for it."""
    first = llm_("-m", PRICED, "--session", "work", "-u", "One").ok()
    assert _usage(first.err) == [
        "Token usage: 1,004 input, 1,000 output",
        "Cost: $0.0901; session work so far: $0.0901",
    ]
    second = llm_("--session", "work", "-u", "Two").ok()
    assert _usage(second.err)[1] == "Cost: $0.1202; session work so far: $0.2102"
    assert not _usage(llm_("--session", "work", "Three").ok().err)


def test_usage_of_models_without_a_price(llm_: Command, script: Script) -> None:
    """A local model is free; an unknown price is not mentioned, but what the session is known to cost is."""
    assert "Cost: free (local model)" in llm_("-m", "ollama/prefixed", "--session", "home", "-u", "One").ok().err
    assert "ost" not in "".join(_usage(llm_("-m", "scripted", "--session", "work", "-u", "One").ok().err)[1:])
    llm_("-m", PRICED, "--session", "work", "Two").ok()
    told = _usage(llm_("-m", "scripted", "--session", "work", "-u", "Three").ok().err)
    assert told[-1] == "Session work so far: at least $0.1202"


def test_usage_without_a_record_or_asynchronous(llm_: Command, script: Script) -> None:
    """A prompt under -n costs money too, but its session doesn't count it."""
    llm_("-m", PRICED, "--session", "work", "One").ok()
    told = _usage(llm_("--session", "work", "-u", "-n", "Two").ok().err)
    assert told[-1] == "Cost: $0.1202; session work so far: $0.0901"
    told = _usage(llm_("--session", "work", "-u", "--async", "Two").ok().err)
    assert told[-1] == "Cost: $0.1202; session work so far: $0.2102"


def test_tool_loop_costs_all_its_calls(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cost of an exchange is that of all its calls."""
    monkeypatch.setattr("llm_session_memory.services.costs.cost", lambda *_: 0.5)
    call = json.dumps({"prompt": "go", "tool_calls": [{"name": "llm_version"}]})
    told = _usage(llm_("-m", "echo", "--session", "work", "-u", "-T", "llm_version", call).ok().err)
    assert [line.partition(":")[0] for line in told] == ["Token usage", "Token usage", "Cost"]
    assert told[-1] == "Cost: $1.00; session work so far: $1.00"


def test_budget_refuses_the_prompt_that_would_exceed_it(llm_: Command, script: Script, log: Path) -> None:
    """Both figures are said, nothing is sent or kept, and --over-budget sends it all the same."""
    llm_("-m", PRICED, "--session", "work", "One").ok()
    assert "cost     at most $0.15; so far $0.0901" in llm_("sessions", "set", "work", "--budget-usd", "0.15").ok().out
    refused = llm_("--session", "work", "Two " * 200)
    assert refused.code == 1
    assert "Session “work” has cost $0.0901 so far, and this prompt would cost about $0." in refused.err
    assert "but its budget is $0.15. Nothing was sent. Send it anyway with --over-budget" in refused.err
    assert len(script.seen) == 1
    with sqlite3.connect(log) as connection:
        assert connection.execute("select count(*) from memory_attempts").fetchone() == (0,)
    llm_("--session", "work", "--over-budget", "Two " * 200).ok()
    assert llm_("--session", "work", "Three").code == 1
    assert "of $0.15" in llm_("--session", "work", "--over-budget", "-u", "Three").ok().err
    llm_("sessions", "set", "work", "--budget-usd", "none").ok()
    llm_("--session", "work", "Four").ok()


def test_budget_that_is_spent_refuses_before_a_summary_is_made(llm_: Command, script: Script) -> None:
    """A summary costs a request of its own, so the budget is looked at first."""
    for number in range(4):
        llm_("-m", PRICED, "--session", "work", "--max-context-tokens", "900", f"Long {number} " + "word " * 120).ok()
    llm_("sessions", "set", "work", "--memory", "summary", "--budget-usd", "0.01").ok()
    sent = len(script.seen)
    assert llm_("--session", "work", "More " + "word " * 120).code == 1
    assert len(script.seen) == sent


def test_budget_is_for_models_with_a_price(llm_: Command, script: Script) -> None:
    """A free model always answers, and so does one whose price is unknown, which is said when the budget is set."""
    llm_("-m", "scripted", "--session", "work", "One").ok()
    told = llm_("sessions", "set", "work", "--budget-usd", "0").ok()
    assert "The budget has no effect for now: the price of scripted is unknown" in told.err
    assert "no effect" not in llm_("sessions", "set", "work").ok().err
    llm_("--session", "work", "Two").ok()
    llm_("--session", "work", "-m", "ollama/prefixed", "Two").ok()
    assert llm_("--session", "work", "-m", PRICED, "Two").code == 1


@pytest.mark.parametrize("amount", ["-1", "nan", "inf", "two", "", "1e99", "1,5"])
def test_budget_that_is_no_amount_is_refused(llm_: Command, script: Script, amount: str) -> None:
    """Nothing is changed by an amount that is none."""
    llm_("-m", "scripted", "--session", "work", "One").ok()
    refused = llm_("sessions", "set", "work", "--system", "Be brief.", "--budget-usd", amount)
    assert refused.code == 1
    assert "is not an amount of US dollars" in refused.err
    assert "Be brief" not in llm_("sessions", "set", "work").ok().out


def test_refused_retry_keeps_the_failed_prompt(llm_: Command, script: Script) -> None:
    """A failed prompt that is too expensive to send again is not lost."""
    script.replies = [RuntimeError("busy"), "Noted."]
    llm_("-m", PRICED, "--session", "work", "One")
    llm_("sessions", "set", "work", "--budget-usd", "0").ok()
    refused = llm_("sessions", "retry", "work")
    assert (refused.code, "--over-budget" in refused.err) == (1, True)
    assert llm_("sessions", "retry", "work", "--over-budget").ok().out == "Noted.\n"


@pytest.mark.parametrize(
    ("typed", "amount", "written"),
    [("$2", 2.0, "$2.00"), ("1,000.5", 1000.5, "$1,000.50"), ("0.00123", 0.00123, "$0.0012"), (" None ", None, "")],
)
def test_amounts_are_read_and_written(typed: str, amount: float | None, written: str) -> None:
    """An amount may have a dollar sign and commas between thousands; it is written to a hundredth of a cent."""
    assert parsed_budget(typed) == amount
    assert amount is None or exact(amount) == written


def test_budget_of_a_project_is_for_all_its_sessions(llm_: Command, script: Script, log: Path) -> None:
    """What one session spent is missing for the other."""
    llm_("-m", PRICED, "--session", "one", "One").ok()
    llm_("-m", PRICED, "--session", "two", "One").ok()
    with sqlite3.connect(log) as connection:
        connection.execute(
            "insert into memory_projects (name_key, name, created_utc, budget_usd) values ('bridge', 'Bridge', '', 0.2)"
        )
        connection.execute("update memory_sessions set project = 'bridge'")
    refused = llm_("--session", "two", "Two")
    assert refused.code == 1
    assert "Project “Bridge” has cost $0.1801 so far" in refused.err
    told = llm_("--session", "two", "--over-budget", "-u", "Two").ok().err
    assert "project Bridge so far: $0.3003 of $0.20" in told


def test_budget_holds_for_the_first_prompt_of_a_new_session(llm_: Command, script: Script, log: Path) -> None:
    """A session that is created in a project, or started over, is not even created if its first prompt is refused."""
    llm_("-m", PRICED, "--session", "one", "One").ok()
    with Memory(log) as memory:
        memory.projects.create("Bridge", budget_usd=0.01)
    refused = llm_("-m", PRICED, "--session", "two", "--project", "bridge", "One " * 1_000)
    assert (refused.code, "Project “Bridge” has cost $0.00 so far" in refused.err) == (1, True)
    llm_("sessions", "set", "one", "--budget-usd", "0.01").ok()
    assert llm_("--session", "one", "--new-session", "One " * 1_000).code == 1
    assert [line["name"] for line in json.loads(llm_("sessions", "--json").ok().out)] == ["one"]
    llm_("-m", PRICED, "--session", "two", "--project", "bridge", "--over-budget", "One").ok()


def test_session_without_a_budget_never_asks_what_it_cost(
    llm_: Command, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its prompts need neither the prices nor a query for them."""

    def fail(*_: object) -> None:
        raise AssertionError("asked")

    for module, name in ((prices, "cost"), (costs, "calls"), (costs, "project_budget")):
        monkeypatch.setattr(module, name, fail)
    llm_("-m", PRICED, "--session", "work", "One").ok()
    llm_("--session", "work", "Two").ok()


def test_programs_have_the_same_budget(llm_: Command, script: Script, log: Path) -> None:
    """A conversation of the API is refused too, unless it is opened with over_budget."""
    llm_("-m", PRICED, "--session", "work", "One").ok()
    llm_("sessions", "set", "work", "--budget-usd", "0").ok()
    with Memory(log) as memory:
        with pytest.raises(TooExpensive, match="but its budget is"):
            memory.conversation("work").prompt("Two").text()
        assert memory.conversation("work", over_budget=True).prompt("Two").text() == "Noted."

"""Fragments and text attachments of older prompts come back as excerpts, and are found by search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.test_recall import TALK, excerpts, tell
from tests.conftest import Command
from tests.views.conftest import serving
from tests.world.once import once
from tests.world.scripted import Script

RULES = "Senhora Vasconcelos signs off the foundations of the bridge."
CONTRACT = "\n\n".join(
    [f"Clause {number}: the contractor keeps the site tidy, and sweeps lane {number}." for number in range(60)]
    + [f"Clause 60: {RULES}"]
    + [f"Clause {number}: the town pays bill {number} within a month." for number in range(61, 90)]
)
QUESTION = "Who signs off the foundations?"


@pytest.fixture(name="contract")
def _contract(tmp_path: Path) -> Path:
    """A contract that is too long for the budget."""
    path = tmp_path / "contract.txt"
    path.write_text(CONTRACT, "utf-8")
    return path


@pytest.fixture(name="work", params=["fragment", "attachment"])
@once
def _work(request: pytest.FixtureRequest, llm_: Command, script: Script, contract: Path) -> Script:
    """A session `work` whose first prompt came with the contract, and that has talked of the weather since."""
    script.count = lambda text: -(-len(text) // 4)
    given = ("-f", str(contract)) if request.param == "fragment" else ("--at", "-", "text/plain")
    piped = CONTRACT if request.param == "attachment" else ""
    llm_("-m", "scripted", "--session", "work", "--max-context-tokens", "3000", *given, "Mind it.", input=piped).ok()
    tell(llm_, TALK)
    llm_("sessions", "set", "work", "--max-context-tokens", "1200").ok()
    return script


def test_what_went_with_a_prompt_is_recalled(work: Script, llm_: Command) -> None:
    """The part of a fragment or text attachment that matters comes back, with a label of its own, and nothing else."""
    llm_("--session", "work", QUESTION).ok()
    (excerpt,) = [line for line in excerpts(work) if "Vasconcelos" in line]
    assert excerpt == f"Clause 60: {RULES}"
    labels = [line for line in excerpts(work) if line.startswith("[#1 fragment 20")]
    assert len(labels) == 1
    shown = llm_("sessions", "context", "work", QUESTION).ok().out
    assert "from a fragment of its prompt; matched" in shown


def test_it_can_be_turned_off(work: Script, llm_: Command) -> None:
    """`--recall-fragments no` leaves them out of one prompt, or of a session; search finds them all the same."""
    llm_("--session", "work", "--recall-fragments", "no", QUESTION).ok()
    assert "Vasconcelos" not in work.texts()[-1][1]
    llm_("sessions", "set", "work", "--recall-fragments", "no").ok()
    assert (
        "Vasconcelos" not in llm_("sessions", "context", "work", QUESTION, "--text").ok().out.partition("--- user")[2]
    )
    found = llm_("sessions", "search", "Vasconcelos").ok().out
    assert "work #1" in found
    assert "fragment: " in found
    assert json.loads(llm_("sessions", "search", "Vasconcelos", "--json").ok().out)[0]["side"] == "fragment"


@pytest.mark.asyncio
async def test_the_pages_find_it(work: Script, llm_: Command, log: Path) -> None:
    """The search of the pages finds it too, in the index that the command made, and shows the passage."""
    llm_("sessions", "search", "Vasconcelos").ok()
    see = serving(log)
    found = (await see("/logs/-/sessions/search.json?q=Vasconcelos")).json()
    assert found["hits"] == 1
    assert "signs off the foundations" in (await see("/logs/-/sessions/search?q=Vasconcelos")).shown
    llm_("--session", "work", QUESTION).ok()
    last = len(TALK) + 2
    assert "fragment" in (await serving(log)(f"/logs/-/session/work/context/{last}")).shown


def test_a_fragment_that_goes_with_the_prompt_is_not_recalled_as_well(
    llm_: Command, script: Script, contract: Path
) -> None:
    """No excerpt is sent of a fragment that the request has: with the new prompt, or with an exchange sent whole."""
    given = ("--session", "work", "-f", str(contract))
    llm_("-m", "scripted", *given, "--max-context-tokens", "3000", "Mind it.").ok()
    tell(llm_, TALK)
    llm_(*given, QUESTION).ok()
    assert "fragment" not in "".join(excerpts(script))
    assert script.texts()[-1][1].count("Vasconcelos") == 1
    llm_("--session", "work", "--max-context-tokens", "3600", QUESTION).ok()
    assert sum(text.count(f"Clause 60: {RULES}") for _, text in script.texts()) == 1


def test_a_session_keeps_them_when_it_moves(work: Script, llm_: Command, tmp_path: Path) -> None:
    """An export has the excerpts of fragments that were sent, and an import finds the fragments again."""
    llm_("--session", "work", QUESTION).ok()
    llm_("sessions", "export", "work", str(tmp_path / "work.jsonl")).ok()
    llm_("sessions", "import", str(tmp_path / "work.jsonl"), "--as", "copy").ok()
    assert "copy #1" in llm_("sessions", "search", "Vasconcelos", "-s", "copy").ok().out

"""Ten facts told long ago, each asked for in words of one's own, with a model that knows only what it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory.llm_seam.demo import DemoModel
from llm_session_memory.memory import Memory
from tests.ollama.texts import Writer
from tests.world import laws

WINDOW, ROOM = 2_048, 512
OTHER_THINGS = 60 if laws.PROFILE == "ci" else 20

FACTS = {
    "Our cat Mirabel can't stand chicken, so she only gets salmon.": ("What may Mirabel eat?", "salmon"),
    "The spare key of the boathouse hangs behind the barometer.": ("How do I get into the boathouse?", "barometer"),
    "I fly to Reykjavik on 14 March, at six in the morning.": ("When is my trip to Reykjavik?", "14 March"),
    "Mr Okonkwo will mend the pipes for 80 euros an hour.": ("How expensive is Okonkwo?", "80 euros"),
    "The quilt for my niece shall have herons on it.": ("Which birds belong on that quilt?", "herons"),
    "At the cabin, the wifi password is larkspur-42.": ("How can we get online in the cabin?", "larkspur-42"),
    "Dr Castellano forbids me to lift anything until June.": ("How long did Castellano tell me to be careful?", "June"),
    "On Mondays our choir rehearses in the old brewery.": ("Where are the rehearsals?", "brewery"),
    "All passports are in the blue biscuit tin.": ("Where have I put my passport?", "biscuit tin"),
    "My jam takes two parts rhubarb to one part sugar.": ("How sweet do I make anything with rhubarb?", "two parts"),
}


def remembered(log: Path, policy: str) -> set[str]:
    """Tell the facts, talk of other things, ask for the facts; return those that the answers had."""
    writer = Writer(1)
    with Memory(log, create=True) as memory:
        talk = memory.conversation("life", DemoModel(), memory=policy, max_context_tokens=WINDOW - ROOM)
        for fact in FACTS:
            talk.prompt(fact).text()
        for _ in range(OTHER_THINGS):
            talk.prompt(writer.text("english", 300)).text()
        return {fact for fact, (question, answer) in FACTS.items() if answer in talk.prompt(question).text()}


@pytest.mark.parametrize("policy", ["recall", "summary,recall"])
def test_all_facts_are_remembered(log: Path, policy: str) -> None:
    """After many exchanges about other things at a window of 2,048 tokens, recall finds all ten facts."""
    assert remembered(log, policy) == set(FACTS)


def test_without_recall_they_are_forgotten(log: Path) -> None:
    """The newest exchanges alone have none of them: the facts above are not found by chance."""
    assert remembered(log, "window") == set()

"""Folding exchanges that are no longer sent into the rolling summary, whatever the model does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import llm
import pytest

from llm_session_memory.errors import LogUnusable, ModelFailed
from llm_session_memory.llm_seam.summaries import SummaryModel
from llm_session_memory.memory import Memory
from llm_session_memory.model import Budget, Exchange, Message, Settings, Summary, Window
from llm_session_memory.rules import summary, tokens
from llm_session_memory.rules.tokens import Measure
from llm_session_memory.services.summarise import ModelAnswer, Summariser
from llm_session_memory.store import Notes
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said, as_read_only
from tests.world.once import once
from tests.world.scripted import Script

GOOD = "Goals: a bridge in Lisbon\nFacts: 4 May"
LONG = "\n".join(f"Facts: figure {number} of the bridge" for number in range(13))
ENDLESS = "word " * 400


@dataclass
class Writer:
    """A model that writes summaries: replies in order, repeating the last one; an exception is raised."""

    replies: list[str | Exception] = field(default_factory=lambda: [GOOD])
    tokens: int = 2_000
    told: list[tuple[str, str]] = field(default_factory=list)

    def name(self) -> str:
        return "writer"

    def room(self) -> tuple[int, Measure]:
        return self.tokens, Measure()

    def __call__(self, instruction: str, material: str) -> ModelAnswer:
        reply = self.replies[min(len(self.told), len(self.replies) - 1)]
        self.told.append((instruction, material))
        if isinstance(reply, Exception):
            raise reply
        return ModelAnswer("writer", reply, 100, 10, 500)


class Lost(Writer):
    """A model that llm does not know."""

    def name(self) -> str:
        raise ModelFailed("Model “lost” not found.")


@dataclass
class World:
    """A session of twelve exchanges in a log, and the messages that the person got."""

    memory: Memory
    thread: str
    said: list[str] = field(default_factory=list)

    def summariser(self, writer: Writer) -> Summariser:
        return Summariser(self.memory.desk, self.thread, writer, self.said.append)

    def exchanges(self, first: int, last: int) -> Sequence[Exchange]:
        return self.memory.sessions.exchanges("work", first, last)

    def fold(self, writer: Writer, first: int, last: int, before: Summary | None = None) -> Summary | None:
        return self.summariser(writer).fold(before, self.exchanges(first, last), BUDGET, Measure())

    def kept(self) -> list[Summary]:
        return Notes(self.memory.desk.log).summaries(self.thread)


BUDGET = Budget(400, 400, Window(None, "not known"))
MOST = summary.limit(400)


@pytest.fixture(name="thread")
@once
def _thread(log: Path, llm_: Command) -> str:
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, *(Said(f"Question {n}? " + "word " * 30, f"Answer {n}.") for n in range(1, 13)))
    llm_("sessions", "name", thread, "work").ok()
    with Memory(log) as memory:
        memory.desk.prepare()
    return thread


@pytest.fixture(name="world")
def _world(log: Path, thread: str) -> Iterator[World]:
    with Memory(log, now=lambda: datetime(2026, 9, 2, tzinfo=timezone.utc)) as memory:
        yield World(memory, thread)


# -- good summaries ---------------------------------------------------


def test_a_summary_is_kept_with_what_it_covers(world: World) -> None:
    """A summary records its model, its cost, and the first and last exchange that it covers."""
    made = world.fold(Writer(), 1, 4)
    ids = [exchange.id for exchange in world.exchanges(1, 4)]
    assert made is not None
    assert world.kept() == [made]
    assert made == Summary(made.id, GOOD, ids[0], ids[3], 4, "writer", 100, 10, 500, "2026-09-02T00:00:00+00:00", 4)
    assert world.said == ["summarising exchanges #1 to #4 with writer …"]


def test_the_next_summary_is_made_from_the_previous_one(world: World) -> None:
    """A fold reads the previous summary and the exchanges dropped since; the next summary covers both."""
    writer = Writer([GOOD, "Goals: a bridge\nFacts: 4 May, 12 t"])
    first = world.fold(writer, 1, 4)
    second = world.fold(writer, 5, 7, first)
    assert first is not None
    assert second is not None
    assert (second.first_turn_id, second.exchanges) == (first.first_turn_id, 7)
    assert second.last_turn_id == world.exchanges(7, 7)[0].id
    assert world.kept() == [second, first]
    _, material = writer.told[1]
    assert "Facts: 4 May" in material
    assert "Question 5?" in material
    assert "Question 4?" not in material


def test_without_exchanges_the_model_is_not_asked(world: World) -> None:
    """Without exchanges to fold, the model is not asked."""
    writer = Writer()
    assert world.fold(writer, 13, 20) is None
    assert (writer.told, world.said) == ([], [])


def test_a_long_history_takes_several_calls(world: World) -> None:
    """If one call can't read everything, each portion is folded into the summary of the earlier ones, and kept."""
    writer = Writer(tokens=650)
    made = world.fold(writer, 1, 12)
    assert made is not None
    calls = len(writer.told)
    assert 1 < calls <= summary.MOST_CALLS
    assert world.kept()[0].exchanges == 12
    assert len(world.kept()) == calls
    assert world.said == [f"summarising exchanges #1 to #12 with writer, in {calls} calls …"]


def test_a_summary_that_became_too_long_is_read_in_part(world: World) -> None:
    """A summary that a person made longer than a call can read doesn't prevent the next one."""
    first = world.fold(Writer(), 1, 4)
    assert first is not None
    world.memory.notes.edit_summary("work", "A fact of the bridge.\n" * 1_000)
    writer = Writer()
    made = world.fold(writer, 5, 7, world.kept()[0])
    assert made is not None
    assert made.exchanges == 7
    assert Measure().tokens(tokens.base(writer.told[0][1])) < writer.tokens


# -- refused -----------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "it was empty"),
        ("<think>Well, the bridge", "it was empty"),
        (ENDLESS, f"it has about 400 tokens; the limit is {MOST}"),
    ],
    ids=["empty", "thoughts alone", "too long"],
)
def test_a_refused_summary_is_made_again_once(world: World, bad: str, why: str) -> None:
    """An empty or too long summary is requested again, with the reason; the cost is that of both calls."""
    writer = Writer([bad, GOOD])
    made = world.fold(writer, 1, 4)
    assert made is not None
    assert (made.text, made.input_tokens, made.output_tokens, made.duration_ms) == (GOOD, 200, 20, 1_000)
    assert [why in instruction for instruction, _ in writer.told] == [False, True]
    assert len(world.said) == 1


def test_a_summary_that_grew_is_made_again(world: World) -> None:
    """A summary that is no shorter than what it covers is refused."""
    [turn] = world.exchanges(1, 1)[0].turns
    turn = replace(
        turn, input=(Message.of_text("user", "Hi."),), output=(Message.of_text("assistant", "Hello, friend."),)
    )
    writer = Writer(["The user said Hi, and the assistant: Hello, friend.", "Hello."])
    made = world.summariser(writer).fold(None, [Exchange(1, (turn,))], BUDGET, Measure())
    assert made is not None
    assert made.text == "Hello."
    assert "no shorter than the text it replaces" in writer.told[1][0]


def test_far_too_much_is_read_in_part(world: World) -> None:
    """If the prompt would have to wait for too many calls, the oldest exchanges are left out and named."""
    [one] = world.exchanges(1, 1)
    many = [replace(one, number=number) for number in range(1, 201)]
    writer = Writer(tokens=650)
    made = world.summariser(writer).fold(None, many, BUDGET, Measure())
    assert made is not None
    assert len(writer.told) == summary.MOST_CALLS
    first = 201 - made.exchanges
    too_many = "because there are too many to read at once; redo the summary later to include them"
    assert world.said == [
        f"exchanges #1 to #{first - 1} are left out of the summary {too_many}.",
        f"summarising exchanges #{first} to #200 with writer, in 4 calls …",
    ]


@pytest.mark.parametrize("bad", ["", ENDLESS], ids=["empty", "endless"])
def test_after_two_refusals_the_previous_summary_stays(world: World, bad: str) -> None:
    """After a second refusal the previous summary stays in use, nothing more is asked, and the person is told."""
    before = world.fold(Writer(), 1, 4)
    writer = Writer([bad])
    assert world.fold(writer, 5, 8, before) == before
    assert world.kept() == [before]
    assert len(writer.told) == 2
    why = "it was empty" if not bad else f"it has about 400 tokens; the limit is {MOST}"
    failed = f"the summary could not be made (two attempts were rejected: {why})"
    assert world.said[2:] == [f"{failed}, so exchanges #5 to #8 are left out without one."]


def test_a_summary_slightly_too_long_twice_loses_its_end(world: World) -> None:
    """A summary of a small model that can't count words is still kept: cut at the end of a line, with a message."""
    assert MOST < summary.size(LONG, Measure()) < 2 * MOST
    made = world.fold(Writer([LONG]), 1, 8)
    assert made is not None
    assert LONG.startswith(made.text + "\n")
    assert summary.size(made.text, Measure()) <= MOST
    assert made.input_tokens == 200
    assert world.said[-1].startswith("the summary was too long in both attempts, so its end was cut off: it has about ")


@pytest.mark.parametrize("rate", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("reply", [GOOD, LONG, ENDLESS, "数" * 90, "Facts: 1,2;3.\n" * 12])
def test_no_summary_exceeds_its_limit(world: World, reply: str, rate: float) -> None:
    """A kept summary has at most the tokens that the composer reserves, by the measure of the session's model."""
    measure = Measure(rate)
    made = world.summariser(Writer([reply])).fold(None, world.exchanges(1, 12), BUDGET, measure)
    assert made is None or measure.tokens(tokens.base(made.text)) <= MOST


# -- failures ----------------------------------------------------------


def test_after_a_failure_the_previous_summary_stays(world: World) -> None:
    """If the model fails, the previous summary stays in use, and the person is told why."""
    before = world.fold(Writer(), 1, 4)
    assert world.fold(Writer([ModelFailed("The server is away.")]), 5, 8, before) == before
    assert world.kept() == [before]
    failed = "the summary could not be made (The server is away), so exchanges #5 to #8 are left out without one."
    assert world.said[-1] == failed


def test_a_failure_half_way_keeps_the_finished_portions(world: World) -> None:
    """If the second of several portions fails, the summary of the first stays and covers what it did."""
    made = world.fold(Writer([GOOD, ModelFailed("Away.")], tokens=650), 1, 12)
    assert made is not None
    assert 1 <= made.exchanges < 12
    assert made.last_turn_id == world.exchanges(made.exchanges, made.exchanges)[0].id
    left = f"exchanges #{made.exchanges + 1} to #12 are left out without one."
    assert world.said[-1] == f"the summary could not be made (Away), so {left}"


def test_an_unknown_model_counts_as_a_failure(world: World) -> None:
    """A summary model that llm does not know doesn't prevent the prompt from being sent."""
    assert world.fold(Lost(), 3, 3) is None
    said = "the summary could not be made (Model “lost” not found), so exchange #3 is left out without one."
    assert world.said == [said]


def test_a_model_with_a_tiny_window_is_not_asked(world: World) -> None:
    """If the instruction alone fills the context window, there is no summary, and a message says why."""
    writer = Writer(tokens=300)
    assert world.fold(writer, 1, 4) is None
    assert writer.told == []
    why = "the summary could not be made (writer can read only 300 tokens at once)"
    assert world.said == [f"{why}, so exchanges #1 to #4 are left out without one."]


def test_a_read_only_log_is_an_error(world: World) -> None:
    """A summary that can't be kept is an error of the log, like a prompt that can't be recorded."""
    as_read_only(world.memory.path)
    with pytest.raises(LogUnusable, match="read-only"):
        world.fold(Writer(), 1, 4)


# -- redo --------------------------------------------------------------


def test_a_redone_summary_has_the_cost_of_all_calls(world: World) -> None:
    """A redone summary is one row that covers everything, with the cost of all calls."""
    writer = Writer(tokens=650)
    made = world.summariser(writer).redo(world.exchanges(1, 12), BUDGET, Measure())
    assert world.kept() == [made]
    assert (made.exchanges, made.input_tokens) == (12, 100 * len(writer.told))
    assert len(writer.told) > 1


def test_a_partly_redone_summary_is_not_kept(world: World) -> None:
    """If a portion fails, nothing replaces the summary in use."""
    summariser = world.summariser(Writer([GOOD, ModelFailed("Away.")], tokens=650))
    with pytest.raises(ModelFailed, match="Away."):
        summariser.redo(world.exchanges(1, 12), BUDGET, Measure())
    assert world.kept() == []


# -- through llm -------------------------------------------------------


def model(world: World, **settings: object) -> SummaryModel:
    return SummaryModel(world.memory, world.thread, Settings(**{"model": "scripted", **settings}))  # type: ignore[arg-type]


def test_the_model_is_asked_outside_the_conversation(world: World, script: Script) -> None:
    """The instruction is sent as system prompt and the material as prompt; neither is logged as a turn."""
    script.replies, script.count = [GOOD], len
    turns = world.memory.sessions.exchange_count(world.memory.sessions.get("work"))
    answer = model(world)("Do this.", "Material.")
    assert (answer.model, answer.text) == ("scripted", GOOD)
    assert (answer.input_tokens, answer.output_tokens) == (8 + 4 + 9 + 4, len(GOOD))
    assert answer.duration_ms is not None
    assert script.texts() == [("system", "Do this."), ("user", "Material.")]
    assert script.previous == [[]]
    assert world.memory.sessions.exchange_count(world.memory.sessions.get("work")) == turns


@pytest.mark.parametrize(
    ("settings", "asked"),
    [({}, "scripted"), ({"summary_model": "other"}, "other"), ({"summary_model": "prefixed"}, "ollama/prefixed")],
    ids=["the session's model", "another", "one of Ollama's, as typed"],
)
def test_the_summary_model_wins(world: World, script: Script, settings: dict[str, str], asked: str) -> None:
    """The summary model makes the summary if there is one, otherwise the session's model."""
    found = model(world, **settings)
    assert found.name() == asked
    assert found("Do this.", "Material.").model == asked


def test_the_options_of_the_session_are_for_its_replies(world: World, script: Script) -> None:
    """A session's mood, format or short num_predict does not reach the summary."""
    model(world, options={"mood": "grim", "num_predict": 5})("Do this.", "Material.")
    assert script.options == [{"num_predict": None, "mood": None}]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("The server is away."), "The server is away."),
        (ValueError(), "ValueError"),
        (llm.ModelError("No."), "No."),
    ],
    ids=["with a text", "without", "llm's own"],
)
def test_any_exception_of_a_plugin_is_a_failed_model(world: World, script: Script, error: Exception, said: str) -> None:
    """Any exception of a model's plugin becomes one of ours, with its text or its class name."""
    script.replies = [error]
    with pytest.raises(ModelFailed) as raised:
        model(world)("Do this.", "Material.")
    assert raised.value.message == said


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143)], ids=["Ctrl-C", "kill"])
def test_interrupts_are_not_failures(world: World, script: Script, error: BaseException) -> None:
    """Ctrl-C and signals are not treated as a failed model."""
    script.replies = [error]
    with pytest.raises(type(error)):
        model(world)("Do this.", "Material.")


def test_an_unknown_model_fails_when_it_is_needed(world: World, script: Script) -> None:
    """A model that llm does not know is no error until a summary is needed."""
    found = model(world, summary_model="lost")
    with pytest.raises(ModelFailed, match="Model “lost” not found."):
        found.name()


@pytest.mark.parametrize(
    ("summary_model", "given"), [(None, "abc"), ("echo-needs-key", "abc"), ("other", None)], ids=str
)
def test_a_key_goes_only_to_the_sessions_own_model(
    world: World, script: Script, summary_model: str | None, given: str | None
) -> None:
    """A key given on the command line goes to the session's own model and to no other."""
    settings = Settings(model="echo-needs-key", summary_model=summary_model)
    found = SummaryModel(world.memory, world.thread, settings, key="abc")
    assert found.key == given
    answer = found("Do this.", "Material.").text
    assert ('"key": "abc"' in answer) == (given is not None)

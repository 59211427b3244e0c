"""`ask`: one prompt of a job is sent, logged and answered as a value, and what belongs to it is one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory import Memory
from llm_session_memory.errors import ModelFailed, OverBudget, SessionError, TooExpensive
from llm_session_memory.llm_seam.asking import Answered, Question, ask, ask_async
from llm_session_memory.llm_seam.creating import Wanted
from llm_session_memory.llm_seam.tool_results import NOT_RUN, RecordedResult
from llm_session_memory.model import Message, Session, Settings
from llm_session_memory.rules.blocks import NewBlock
from llm_session_memory.services.bundle import Services
from tests.world.scripted import Broken, Script, ScriptedModel


@pytest.fixture(name="memory")
def _memory(log: Path, script: Script) -> Iterator[Memory]:
    """A new log."""
    with Memory(create=True) as memory:
        assert memory.path == log
        yield memory


@pytest.fixture(name="work")
def _work(memory: Memory) -> Session:
    """A session with two exchanges and a system prompt."""
    conversation = memory.conversation("work", model="scripted", system="Be brief.")
    for prompt in ("One.", "Two."):
        conversation.prompt(prompt).text()
    return memory.sessions.get("work")


def said(memory: Memory, name: str = "work") -> list[tuple[str, str]]:
    return [(exchange.prompt, exchange.reply) for exchange in memory.sessions.exchanges(name)]


def test_a_prompt_is_asked_with_the_sessions_history(memory: Memory, work: Session, script: Script) -> None:
    """By default a prompt is sent as the session's next one, and the answer says where it is in the log."""
    script.count = len
    script.replies = ["Three of them."]
    answered = ask(memory, work, Question("Three."))
    assert script.texts() == [
        *[("system", "Be brief."), ("user", "One."), ("assistant", "Noted.")],
        *[("user", "Two."), ("assistant", "Noted."), ("user", "Three.")],
    ]
    newest = memory.sessions.exchanges("work")[-1].turns[0]
    assert (answered.turn_id, answered.thread_id, answered.text) == (newest.id, work.thread_id, "Three of them.")
    assert (answered.input_tokens, answered.output_tokens) == (newest.input_tokens, newest.output_tokens)
    assert (answered.model, answered.calls) == ("scripted", 1)
    assert memory.record.attempts("work") == []


def test_a_new_session_is_created_with_its_first_prompt(memory: Memory, script: Script) -> None:
    """The first prompt of a session that doesn't exist creates it, with what it was asked with."""
    told: list[str] = []
    ask(memory, Wanted("new"), Question("Hi", system="Sing.", options={"mood": "calm"}), "scripted", notice=told.append)
    assert memory.sessions.get("new").settings == Settings("scripted", "Sing.", {"mood": "calm"})
    assert told == ["session new: created with scripted"]


def test_a_prompt_can_be_asked_alone(memory: Memory, work: Session, script: Script) -> None:
    """With the context “none”, only the system prompt is sent before the prompt; it is the session's next exchange."""
    memory.notes.add("work", "The deadline is 4 May.")
    ask(memory, work, Question("Three.", context="none"))
    assert script.texts() == [("system", "Be brief."), ("user", "Three.")]
    ask(memory, work, Question("Four.", context="none", system="Sing."))
    assert script.texts() == [("system", "Sing."), ("user", "Four.")]
    assert [prompt for prompt, _ in said(memory)] == ["One.", "Two.", "Three.", "Four."]
    rows = memory.desk.log.rows("select number, after_turn_id from memory_contexts order by rowid")
    assert [row["number"] for row in rows] == [1, 2, 3, 4]


def test_a_prompt_can_be_asked_with_exactly_these_messages(memory: Memory, work: Session, script: Script) -> None:
    """Messages are sent as given, without the session's system prompt; a system prompt replaces theirs."""
    given = (Message.of_text("user", "A"), Message.of_text("assistant", "B"))
    ask(memory, work, Question("Three.", context=given))
    assert script.texts() == [("user", "A"), ("assistant", "B"), ("user", "Three.")]
    assert not any(script.systems[-1:])
    assert script.previous[-1] == [("A", "B")]
    with_system = (Message.of_text("system", "Old."), *given)
    ask(memory, work, Question("Four.", context=with_system))
    assert script.texts()[0] == ("system", "Old.")
    assert script.systems[-1:] == ["Old."]
    ask(memory, work, Question("Five.", context=with_system, system="New."))
    assert script.texts() == [("system", "New."), ("user", "A"), ("assistant", "B"), ("user", "Five.")]


def test_the_next_prompt_of_the_session_has_the_whole_history(memory: Memory, work: Session, script: Script) -> None:
    """A prompt after some that were asked alone is sent with all of them, and the record says why."""
    for number in (3, 4):
        ask(memory, work, Question(f"{number}", context="none"))
    ask(memory, work, Question("And now?"))
    assert [text for role, text in script.texts() if role == "user"] == ["One.", "Two.", "3", "4", "And now?"]
    latest = memory.desk.log.value("select reason from memory_blocks order by id desc limit 1")
    assert latest == NewBlock.APART.value


def test_numbers_are_right_when_the_cheap_way_can_not_tell(memory: Memory, work: Session, script: Script) -> None:
    """An exchange asked alone is counted after those that were undone, or logged without a session."""
    memory.undoing.undo("work", 1)
    ask(memory, work, Question("Three.", context="none"))
    assert [exchange.number for exchange in memory.sessions.exchanges("work")] == [1, 2]
    assert memory.desk.log.value("select number from memory_contexts order by rowid desc limit 1") == 2
    plain = llm.get_model("scripted").conversation()
    plain.id = work.thread_id
    plain.prompt("Plain.").log_to_db(memory.desk.log.database)
    ask(memory, work, Question("Five.", context="none"))
    assert memory.desk.log.value("select number from memory_contexts order by rowid desc limit 1") == 4


@pytest.mark.parametrize("context", ["session", "none"])
def test_what_belongs_to_an_answer_is_in_its_transaction(
    memory: Memory, work: Session, script: Script, context: Any
) -> None:
    """`also` sees the turn that is being logged. If it fails, nothing is logged or kept, and its error is raised."""
    seen: list[tuple[bool, bool]] = []

    def also(answered: Answered) -> None:
        log = memory.desk.log
        logged = bool(log.value("select 1 from turns where id = :id", {"id": answered.turn_id}))
        seen.append((logged, log.database.conn.in_transaction))

    ask(memory, work, Question("Three.", context=context), also=also)
    assert seen == [(True, True)]

    def refuse(answered: Answered) -> None:
        raise LookupError(answered.turn_id)

    before = said(memory)
    with pytest.raises(LookupError):
        ask(memory, work, Question("Four.", context=context), also=refuse)
    assert said(memory) == before
    assert memory.record.attempts("work") == []


def test_an_answer_is_streamed_if_someone_listens(memory: Memory, work: Session, script: Script) -> None:
    """`on_text` gets the pieces as they come; what it raises comes through, and the prompt is kept as interrupted."""
    script.replies = ["One two three."]
    pieces: list[str] = []
    assert ask(memory, work, Question("Count."), on_text=pieces.append).text == "".join(pieces) == "One two three."
    assert len(pieces) == 3

    def stop(piece: str) -> None:
        raise BrokenPipeError(piece)

    with pytest.raises(BrokenPipeError):
        ask(memory, work, Question("Again."), on_text=stop)
    assert [(one.prompt, one.partial) for one in memory.record.attempts("work")] == [("Again.", "One")]


@pytest.mark.parametrize("keep", [True, False], ids=["kept", "not kept"])
def test_a_failed_call_raises_and_is_kept(memory: Memory, work: Session, script: Script, keep: bool) -> None:
    """A model's error is ModelFailed with the error as its cause; the prompt is an attempt unless nobody wants it."""
    trouble = ConnectionError("The server is gone")
    script.replies = [Broken("Half an answer", 1, trouble)]
    with pytest.raises(ModelFailed, match="The server is gone") as failed:
        ask(memory, work, Question("Three."), keep_attempt=keep)
    assert failed.value.__cause__ is trouble
    kept = [(one.prompt, one.error, one.partial) for one in memory.record.attempts("work")]
    assert kept == ([("Three.", "The server is gone", "Half")] if keep else [])
    assert len(said(memory)) == 2


def test_nothing_is_in_the_log_while_an_unkept_prompt_is_sent(memory: Memory, work: Session, script: Script) -> None:
    """With `keep_attempt=False` a kill leaves no trace of the prompt: its job knows that it was in flight."""

    def look(_: Any) -> str:
        with Services.open(memory.path) as other:
            return f"{len(other.record.attempts('work'))} attempts"

    script.replies = [look]
    assert ask(memory, work, Question("Three.")).text == "1 attempts"
    assert ask(memory, work, Question("Four."), keep_attempt=False).text == "0 attempts"


def test_what_can_not_be_sent_is_not_a_failure_of_the_model(memory: Memory, work: Session, script: Script) -> None:
    """Unknown models, options and tools, and files that a model doesn't take, are refused before anything is sent."""
    calls = len(script.seen)
    refused: list[tuple[Question, Any, str]] = [
        (Question("?"), "no-such-model", "Model “no-such-model” not found."),
        (Question("?", options={"tempo": 3}), None, "scripted does not accept these options"),
        (Question("?", tools=["no_such_tool"]), None, "no_such_tool"),
        (Question("?", attachments=[llm.Attachment(type="audio/wav", content=b"...")]), None, "audio/wav"),
    ]
    for question, model, words in refused:
        with pytest.raises(SessionError, match=words) as error:
            ask(memory, work, question, model)
        assert not isinstance(error.value, ModelFailed)
    assert len(script.seen) == calls
    assert memory.record.attempts("work") == []


def test_limits_hold_for_prompts_that_are_asked_alone(memory: Memory, work: Session, script: Script) -> None:
    """A prompt that exceeds the context window is refused, and one that would cost more than the session may."""
    memory.record.learn_window("other", None, 100, None)
    with pytest.raises(OverBudget, match="context window is 100"):
        ask(memory, work, Question("word " * 300, context="none"), "other")
    memory.costs.set_budget("work", 0.000_001)
    priced, work = ScriptedModel("anthropic/claude-3-opus-20240229", script), memory.sessions.get("work")
    with pytest.raises(TooExpensive):
        ask(memory, work, Question("Three.", context="none"), priced)
    assert ask(memory, work, Question("Three.", context="none"), priced, over_budget=True).text == "Noted."


# -- files and tools ---------------------------------------------------


def test_fragments_schema_and_attachments_go_along(memory: Memory, work: Session, script: Script) -> None:
    """What goes with a prompt is logged as llm logs it, an attachment from the log under its own id."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    picture = llm.Attachment(type="image/png", content=b"\x89PNG")
    fragment = llm.Fragment("A long text.", "notes.txt")
    ask(memory, work, Question("What?", fragments=[fragment], attachments=[picture], schema=schema, context="none"))
    (exchange,) = memory.sessions.exchanges("work")[2:]
    assert exchange.turns[0].fragments == ("notes.txt",)
    assert exchange.turns[0].schema
    held = [one for message in exchange.messages for part in message.parts for one in part.attachments]
    ask(memory, work, Question("And this?", attachments=held))
    assert memory.desk.log.value("select count(*) from attachments") == 1


class CallingModel(llm.Model):
    """Calls the tool `weather` for Lisbon and for Porto, then says what it got."""

    model_id = "calling"
    supports_tools = True

    def execute(self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        if prompt.tool_results:
            yield "; ".join(one.output for one in prompt.tool_results)
            return
        yield "Let me look."
        for number, city in enumerate(("Lisbon", "Porto")):
            response.add_tool_call(llm.ToolCall("weather", {"city": city}, tool_call_id=f"c{number}"))


def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"Rain in {city}"


@pytest.mark.parametrize("context", ["session", "none"])
def test_tools_are_run_or_answered_from_the_record(memory: Memory, work: Session, context: Any) -> None:
    """Tools run; or a recorded call gets its result and any other a sentence. The exchange is all of its calls."""
    run = ask(memory, work, Question("How is it?", tools=[weather], context=context), CallingModel())
    assert (run.text, run.calls) == ("Rain in Lisbon; Rain in Porto", 2)
    assert len(memory.sessions.exchanges("work")[-1].turns) == 2
    recorded = [RecordedResult("weather", {"city": "Lisbon"}, "Sun")]
    question = Question("And now?", tools=[weather], run_tools=False, recorded=recorded, context=context)
    assert ask(memory, work, question, CallingModel()).text == f"Sun; {NOT_RUN}"
    assert memory.desk.log.value("select count(*) from tools") == 1


# -- asynchronous models, and threads ----------------------------------


def test_asynchronous_models_do_the_same(memory: Memory, work: Session, script: Script) -> None:
    """Prompts of one loop share their Services; failed ones raise and are kept, cancelled ones are interrupted."""
    script.replies = ["Noted."]
    seen: list[str] = []

    async def several() -> list[Answered]:
        model = llm.get_async_model("scripted")
        asked = [
            ask_async(
                memory, work, Question(f"{number}", context="none"), model, also=lambda one: seen.append(one.text)
            )
            for number in range(5)
        ]
        return await asyncio.gather(*asked)

    answers = asyncio.run(several())
    assert sorted(prompt for prompt, _ in said(memory)[2:]) == list("01234")
    assert {one.turn_id for one in answers} == {one.id for one in memory.sessions.exchanges("work")[2:]}
    assert seen == ["Noted."] * 5

    script.replies = [ValueError("no")]
    with pytest.raises(ModelFailed, match="no"):
        asyncio.run(ask_async(memory, work, Question("Last?"), llm.get_async_model("scripted")))
    assert [one.prompt for one in memory.record.attempts("work")] == ["Last?"]
    with pytest.raises(SessionError, match="The model “scripted” is synchronous."):
        asyncio.run(ask_async(memory, work, Question("Last?"), llm.get_model("scripted")))


def test_threads_ask_in_one_session(memory: Memory, work: Session, script: Script) -> None:
    """Threads with Services of their own ask in one session at once: each answer is one exchange with its number."""
    model = llm.get_model("scripted")

    def asked(number: int) -> Answered:
        with Services.open(memory.path) as services:
            return ask(services, work, Question(f"{number}", context="none"), model, keep_attempt=number % 2 == 0)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(asked, range(12)))
    exchanges = memory.sessions.exchanges("work")[2:]
    assert {one.turn_id for one in answers} == {one.id for one in exchanges}
    assert sorted(int(one.prompt) for one in exchanges) == list(range(12))
    numbers = memory.desk.log.rows("select number from memory_contexts order by rowid")
    assert [row["number"] for row in numbers] == list(range(1, 15))

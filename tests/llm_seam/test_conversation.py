"""`memory.conversation(...)`: a program holds a conversation in a session as the command line does."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import llm
import pytest
from sqlite_utils import Database

from llm_session_memory import Memory
from llm_session_memory.errors import ModelFailed, NameRefused, OverBudget, SessionError
from llm_session_memory.model import Settings
from llm_session_memory.services import current
from tests.conftest import Command
from tests.world.scripted import Broken, Script


@pytest.fixture(name="memory")
def _memory(log: Path, script: Script) -> Iterator[Memory]:
    """A new log that the program creates."""
    with Memory(create=True) as memory:
        assert memory.path == log
        yield memory


def said(memory: Memory, name: str = "work") -> list[tuple[str, str]]:
    return [(exchange.prompt, exchange.reply) for exchange in memory.sessions.exchanges(name)]


# -- prompts -----------------------------------------------------------


def test_prompts_are_sent_with_their_history_and_logged(memory: Memory, script: Script) -> None:
    """Each prompt is sent with what was said before, and logged once its reply is read."""
    script.replies = ["Noted.", "On 4 May."]
    conversation = memory.conversation("work", model="scripted")
    assert conversation.prompt("The deadline is 4 May.").text() == "Noted."
    assert conversation.prompt("When is it?").text() == "On 4 May."
    assert script.texts() == [("user", "The deadline is 4 May."), ("assistant", "Noted."), ("user", "When is it?")]
    assert said(memory) == [("The deadline is 4 May.", "Noted."), ("When is it?", "On 4 May.")]


def test_another_conversation_continues_a_session(memory: Memory, script: Script, llm_: Command) -> None:
    """A program continues a session from the command line, and the reverse; both use the session's model."""
    llm_("--session", "work", "-m", "scripted", "Hello").ok()
    conversation = memory.conversation("WORK")
    conversation.prompt("And now?").text()
    assert script.texts() == [("user", "Hello"), ("assistant", "Noted."), ("user", "And now?")]
    llm_("--session", "work", "Still there?").ok()
    assert len(script.texts()) == 5
    assert conversation.notices == []


def test_responses_may_be_read_as_they_stream(memory: Memory, script: Script) -> None:
    """A reply that is read in pieces or as events is logged once, at its end."""
    script.replies = ["One two.", "Three four."]
    conversation = memory.conversation("work", model="scripted")
    pieces = []
    for piece in (response := conversation.prompt("Count.")):
        pieces.append(piece)
        assert memory.sessions.exchanges("work") == []
    assert "".join(pieces) == response.text() == "One two."
    events = conversation.prompt("On.").stream_events()
    assert "".join(event.chunk for event in events) == "Three four."
    assert said(memory) == [("Count.", "One two."), ("On.", "Three four.")]


def test_a_response_that_is_never_read_was_never_sent(memory: Memory, script: Script) -> None:
    """A prompt whose response is never read calls no model, and only creates its session."""
    memory.conversation("work", model="scripted").prompt("Hello")
    assert script.seen == []
    assert memory.sessions.exchanges("work") == []
    assert memory.record.attempts("work") == []


def test_two_responses_may_be_read_out_of_order(memory: Memory, script: Script) -> None:
    """Two prompts made before the first is read don't include each other, and both are logged with their own record."""
    script.replies = ["First.", "Second."]
    conversation = memory.conversation("work", model="scripted")
    one, two = conversation.prompt("One."), conversation.prompt("Two.")
    assert two.text() == "First."
    assert one.text() == "Second."
    assert said(memory) == [("Two.", "First."), ("One.", "Second.")]
    assert len(memory.requests.context("work", "Three.").messages) == 5


def test_a_response_can_be_logged_again(memory: Memory, script: Script, tmp_path: Path) -> None:
    """Logging a response that was logged when it was read changes nothing; another log gets it without a session."""
    conversation = memory.conversation("work", model="scripted")
    response = conversation.prompt("One.")
    response.text()
    conversation.prompt("Two.").text()
    response.log_to_db(memory.desk.log.database)
    assert said(memory) == [("One.", "Noted."), ("Two.", "Noted.")]
    other = Database(tmp_path / "other.db")
    response.log_to_db(other)
    assert other["turns"].count == 1
    other.close()


def test_command_and_program_record_the_same(memory: Memory, script: Script, llm_: Command) -> None:
    """A program's prompt leaves the same rows as the command's: blocks, contexts and turns."""
    for number in range(2):
        memory.conversation("program", model="scripted").prompt(f"Prompt {number}").text()
        llm_("--session", "command", "-m", "scripted", f"Prompt {number}").ok()
    tables = ("memory_blocks", "memory_contexts", "turns")
    for table in tables:
        rows = memory.desk.log.rows(f"select thread_id, count(*) as rows from {table} group by thread_id")
        assert len(rows) == 2, table
        assert len({row["rows"] for row in rows}) == 1, table


# -- settings ----------------------------------------------------------


def test_settings_become_the_defaults_of_a_new_session(memory: Memory, script: Script) -> None:
    """Settings given when a session is created become its defaults; later ones apply to that conversation only."""
    given: dict[str, Any] = {
        "system": "Be brief.",
        "options": {"mood": "calm"},
        "max_context_tokens": 4_000,
        "memory": "window",
    }
    memory.conversation("work", model="scripted", **given).prompt("Hello").text()
    assert memory.sessions.get("work").settings == Settings(model="scripted", **given)
    later = memory.conversation("work", options={"num_predict": 5}, system="Sing.")
    later.prompt("Again").text()
    later.prompt("And again", options={"mood": "glad"}).text()
    later.prompt("Once more", mood="sad").text()
    assert script.systems == ["Be brief.", "Sing.", "Sing.", "Sing."]
    moods = [options.get("mood") for options in script.options]
    assert moods == ["calm", "calm", "glad", "sad"]
    assert script.options[1]["num_predict"] == 5
    assert memory.sessions.get("work").settings == Settings(model="scripted", **given)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"temperature": 1}, TypeError, "Unknown setting “temperature”. Choose from: system, options,"),
        ({"memory": "telepathy"}, SessionError, "telepathy"),
        ({"max_context_tokens": 0}, SessionError, "at least 1 token"),
        ({"recall_share": 1.5}, SessionError, "“1.5” is not a valid share"),
        ({"options": {"mod": "calm"}}, SessionError, "scripted does not accept these options: mod"),
        ({"summary_model": "nothing"}, SessionError, "“nothing”"),
        ({"model": "nothing"}, SessionError, "“nothing”"),
        ({"name": "a/b"}, NameRefused, "a/b"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_arguments_are_refused_at_once(
    memory: Memory, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    """A wrong name, model or setting is an error when the conversation is made, and no session is created."""
    with pytest.raises(error, match=said):
        memory.conversation(**{"name": "work", "model": "scripted", **given})
    assert memory.sessions.names() == []


def test_a_session_may_be_started_over_or_get_a_name(memory: Memory, script: Script) -> None:
    """`new=True` starts a session over; a missing name is generated. Notices are kept and passed to `notice`."""
    memory.conversation("work", model="scripted", system="Be brief.").prompt("Hello").text()
    told: list[str] = []
    conversation = memory.conversation("work", new=True, notice=told.append)
    conversation.prompt("Hello again").text()
    conversation.prompt("And again").text()
    assert said(memory) == [("Hello again", "Noted."), ("And again", "Noted.")]
    assert said(memory, "work~1") == [("Hello", "Noted.")]
    assert script.systems[-1] == "Be brief."
    assert told == conversation.notices == ["session work: started over with scripted; the old one is now work~1"]
    memory.conversation(model="scripted").prompt("Anything").text()
    assert len(memory.sessions.names()) == 3


def test_a_request_never_exceeds_the_budget(memory: Memory, script: Script) -> None:
    """The budget applies as on the command line: older exchanges are left out, and `full` refuses what does not fit."""
    conversation = memory.conversation("work", model="scripted", max_context_tokens=120, memory="window")
    for number in range(8):
        conversation.prompt(f"Prompt {number}: " + "word " * 20).text()
    assert len(script.seen[-1]) < 8
    assert len(said(memory)) == 8
    full = memory.conversation("all", model="scripted", max_context_tokens=120, memory="full")
    full.prompt("word " * 60).text()
    with pytest.raises(OverBudget):
        full.prompt("word " * 60)
    assert memory.record.attempts("all") == []


# -- failures ----------------------------------------------------------


def test_a_prompt_that_fails_is_kept_and_can_be_sent_again(memory: Memory, script: Script, llm_: Command) -> None:
    """An error in mid-stream reaches the program. The prompt and its partial reply are kept, and `retry` works."""
    script.replies = [Broken("Half a reply", 2, RuntimeError("the cable")), "Whole."]
    conversation = memory.conversation("work", model="scripted", memory="window")
    with pytest.raises(RuntimeError, match="the cable"):
        conversation.prompt("Hello", mood="calm").text()
    (kept,) = memory.record.attempts("work")
    assert (kept.prompt, kept.partial, kept.error) == ("Hello", "Half a", "the cable")
    assert conversation.notices[-2] == ("session work: the prompt is kept. Send it again with: llm sessions retry work")
    assert llm_("sessions", "retry", "work").ok().out == "Whole.\n"
    assert script.options[-1]["mood"] == "calm"
    assert said(memory) == [("Hello", "Whole.")]
    assert [attempt.answered_by is None for attempt in memory.record.attempts("work")] == [False]


def test_the_conversation_continues_after_a_failure(memory: Memory, script: Script) -> None:
    """After a failure the same conversation continues without the failed prompt."""
    script.replies = ["Noted.", ValueError("no"), "Fine."]
    conversation = memory.conversation("work", model="scripted")
    conversation.prompt("One.").text()
    with pytest.raises(ValueError, match="no"):
        conversation.prompt("Two.").text()
    conversation.prompt("Three.").text()
    assert script.texts() == [("user", "One."), ("assistant", "Noted."), ("user", "Three.")]
    assert said(memory) == [("One.", "Noted."), ("Three.", "Fine.")]


def test_a_prompt_is_kept_if_reading_stops(memory: Memory, script: Script) -> None:
    """If a program stops reading in the middle, the prompt is kept as interrupted."""
    script.replies = ["One two three four."]
    gc.freeze()  # else the collector would look through all that the tests have loaded
    try:
        for piece in memory.conversation("work", model="scripted").prompt("Count."):
            if piece == " two":
                break
        gc.collect()
    finally:
        gc.unfreeze()
    (kept,) = memory.record.attempts("work")
    assert (kept.error, kept.partial) == ("interrupted", "One two")


def test_an_attempt_survives_a_change_of_llms_private_names(
    memory: Memory, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If a response's pieces can't be found, the prompt is kept without its partial reply."""

    def fail(prompt: llm.Prompt) -> str:
        raise ValueError("no")

    script.replies = [fail]
    response = memory.conversation("work", model="scripted").prompt("Hello")
    del response._chunks, response._start_utcnow
    with pytest.raises(ValueError, match="no"):
        response.text()
    (kept,) = memory.record.attempts("work")
    assert (kept.prompt, kept.partial, kept.error) == ("Hello", "", "no")


# -- tools -------------------------------------------------------------


class CallingModel(llm.Model):
    """Calls its tool in the first reply, and repeats the tool's result in the second."""

    model_id = "calling"
    supports_tools = True

    def execute(self, prompt: llm.Prompt, stream: bool, response: llm.Response, conversation: object) -> Iterator[str]:
        if prompt.tool_results:
            yield f"It is {prompt.tool_results[0].output}."
            return
        yield "Let me look."
        response.add_tool_call(llm.ToolCall("weather", {}, tool_call_id="c1"))


def test_tools_run_in_a_chain_which_is_one_exchange(memory: Memory) -> None:
    """A prompt with tools is one exchange of several turns, and a tool knows which session called it."""
    seen: list[str | None] = []

    def weather() -> str:
        """Return the weather."""
        held = current.held()
        seen.append(held.session if held else None)
        return "sunny"

    conversation = memory.conversation("work", model=CallingModel(), tools=[weather])
    assert conversation.chain("How is it?").text() == "Let me look. It is sunny."
    (exchange,) = memory.sessions.exchanges("work")
    assert len(exchange.turns) == 2
    assert seen == ["work"]
    assert current.held() is None
    for response in conversation.chain("And now?").responses():
        response.text()
    assert len(memory.sessions.exchanges("work")) == 2


def test_a_prompt_is_kept_if_a_tool_ends_its_chain(memory: Memory) -> None:
    """A chain that ends in an error is kept as one failed prompt; no part of it is logged."""

    def weather() -> str:
        """Return the weather."""
        raise llm.CancelToolCall("not today")

    def refuse(tool: object, call: object) -> None:
        raise KeyboardInterrupt

    conversation = memory.conversation("work", model=CallingModel(), tools=[weather], before_call=refuse)
    with pytest.raises(KeyboardInterrupt):
        conversation.chain("How is it?").text()
    assert memory.sessions.exchanges("work") == []
    (kept,) = memory.record.attempts("work")
    assert (kept.error, kept.partial) == ("interrupted", "Let me look.")
    assert current.held() is None


# -- asynchronous models -----------------------------------------------


def test_asynchronous_prompts_do_the_same(memory: Memory, script: Script) -> None:
    """`await conversation.prompt(...)` sends the history. The reply is logged, or the failed prompt is kept."""
    script.replies = ["One.", "Two.", "Three.", ValueError("no")]

    async def talk() -> list[str]:
        conversation = memory.conversation("work", model="scripted", async_=True)
        first = await conversation.prompt("1")
        pieces = [piece async for piece in conversation.prompt("2")]
        events = [event.chunk async for event in conversation.prompt("3").astream_events()]
        with pytest.raises(ValueError, match="no"):
            await conversation.prompt("4")
        return [first.text_or_raise(), "".join(pieces), "".join(events)]

    assert asyncio.run(talk()) == ["One.", "Two.", "Three."]
    assert len(script.seen[-1]) == 7
    assert said(memory) == [("1", "One."), ("2", "Two."), ("3", "Three.")]
    assert [(kept.prompt, kept.error) for kept in memory.record.attempts("work")] == [("4", "no")]


class AsyncCallingModel(llm.AsyncModel):
    """The same as CallingModel, asynchronous."""

    model_id = "calling"
    supports_tools = True

    async def execute(self, prompt, stream, response, conversation):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        for text in CallingModel.execute(self, prompt, stream, response, conversation):  # type: ignore[arg-type]
            yield text


def test_asynchronous_chains_do_the_same(memory: Memory) -> None:
    """A tool loop of an asynchronous model is one exchange; a model object needs no `async_`."""
    seen: list[str | None] = []

    async def weather() -> str:
        """Return the weather."""
        held = current.held()
        seen.append(held.session if held else None)
        return "sunny"

    async def talk() -> str:
        conversation = memory.conversation("work", AsyncCallingModel(), tools=[weather])
        return await conversation.chain("How is it?").text()  # type: ignore[no-any-return, misc]

    assert asyncio.run(talk()) == "Let me look. It is sunny."
    (exchange,) = memory.sessions.exchanges("work")
    assert len(exchange.turns) == 2
    assert seen == ["work"]


def test_a_model_of_the_other_kind_is_refused(memory: Memory, script: Script) -> None:
    """`async_` and a model object that contradict each other are an error."""
    with pytest.raises(SessionError, match="The model “scripted” is synchronous."):
        memory.conversation("work", llm.get_model("scripted"), async_=True)
    with pytest.raises(SessionError, match="The model “scripted” is asynchronous."):
        memory.conversation("work", llm.get_async_model("scripted"), async_=False)


# -- several at once ---------------------------------------------------


def test_threads_each_open_the_log_and_both_are_kept(log: Path, script: Script) -> None:
    """Two threads, each with its own Memory, can send prompts at the same time."""
    Memory(log, create=True).close()

    def talk(name: str) -> int:
        with Memory(log) as memory:
            conversation = memory.conversation(name, model="scripted")
            for number in range(5):
                conversation.prompt(f"{name} {number}").text()
            return len(memory.sessions.exchanges(name))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(talk, ["work", "paint"])) == [5, 5]


def test_two_tasks_prompt_in_one_session(memory: Memory, script: Script) -> None:
    """Two asynchronous prompts at once in one session are both logged."""

    async def talk() -> None:
        conversation = memory.conversation("work", model="scripted", async_=True)
        await asyncio.gather(*(conversation.prompt(f"{number}") for number in range(3)))

    asyncio.run(talk())
    assert [prompt for prompt, _ in said(memory)] == ["0", "1", "2"]


def test_a_locked_log_loses_no_reply(memory: Memory, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a reply can't be logged, the error names the file that has it, and the program still has the reply too."""
    response = memory.conversation("work", model="scripted").prompt("Hello")

    def lock(prompt: llm.Prompt) -> str:
        memory.desk.log.database.execute("pragma query_only=1")
        return "Noted."

    script.replies = [lock]
    with pytest.raises(SessionError, match="llm sessions recover"):
        response.text()
    assert response.text() == "Noted."


# -- opening -----------------------------------------------------------


def test_memory_can_be_imported_from_the_package_which_loads_it_lazily() -> None:
    """`from llm_session_memory import Memory` works; importing the package alone loads none of it."""
    program = (
        "import sys, llm_session_memory\n"
        "assert 'llm_session_memory.memory' not in sys.modules\n"
        "from llm_session_memory import Memory\n"
        "assert 'llm' not in sys.modules\n"
        "assert Memory.__module__ == 'llm_session_memory.memory'\n"
        "assert not hasattr(llm_session_memory, 'Nothing')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_session_can_be_made_before_its_first_prompt(memory: Memory, script: Script) -> None:
    """A session made with `sessions.create` needs no thread; the conversation that follows is in it."""
    made = memory.sessions.create("work", settings=Settings(model="scripted", system="Be brief."))
    assert memory.sessions.get("work") == made
    assert memory.sessions.exchanges("work") == []
    memory.conversation("work").prompt("Hello").text()
    assert script.systems == ["Be brief."]
    assert [line.session.name for line in memory.sessions.list(1)] == ["work"]
    assert ModelFailed.__mro__[1] is SessionError

"""`llm sessions rerun`: the prompts of a session are asked again in a new one, each answered and logged once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llm
import pytest
from llm.plugins import pm

from llm_session_memory import Memory
from llm_session_memory.errors import SessionError
from llm_session_memory.llm_seam.tool_results import NOT_RUN
from llm_session_memory.model import Settings
from tests.conftest import Command
from tests.world.logs import LogBuilder, Said
from tests.world.scripted import Script


@pytest.fixture(name="memory")
def _memory(log: Path, script: Script) -> Iterator[Memory]:
    """A log with the session `work`: three exchanges, a note, and a system prompt."""
    with Memory(create=True) as memory:
        assert memory.path == log
        script.replies = ["1", "2", "3"]
        conversation = memory.conversation("work", model="scripted", system="Be brief.", options={"mood": "calm"})
        for prompt in ("One.", "Two.", "Three."):
            conversation.prompt(prompt).text()
        memory.notes.add("work", "The deadline is 4 May.")
        script.replies = ["Again."]
        yield memory


def said(memory: Memory, name: str) -> list[tuple[str, str]]:
    return [(exchange.prompt, exchange.reply) for exchange in memory.sessions.exchanges(name)]


ASKED = [("One.", "Again."), ("Two.", "Again."), ("Three.", "Again.")]


def test_each_prompt_is_asked_with_the_new_answers(memory: Memory, script: Script, llm_: Command) -> None:
    """The new session has the same prompts with new answers, and the old session's settings but for the model."""
    done = llm_("sessions", "rerun", "work", "-m", "other").ok()
    assert done.out.splitlines() == [
        "Session “work-other” answers 3 of 3 prompts of “work”.",
        "Compare them with: llm sessions compare work work-other",
    ]
    assert said(memory, "work-other") == ASKED
    assert [role for role, _ in script.texts()] == ["system", *["user", "assistant"] * 2, "user"]
    made = memory.sessions.get("work-other")
    assert made.settings == Settings("other", "Be brief.", {"mood": "calm"})
    assert [note.text for note in memory.notes.list("work-other")] == ["The deadline is 4 May."]
    assert said(memory, "work") == [("One.", "1"), ("Two.", "2"), ("Three.", "3")]
    (job,) = memory.jobs.list()
    assert (job.kind, job.state, job.counts) == ("rerun", "done", {"done": 3})


def test_other_settings(memory: Memory, script: Script, llm_: Command) -> None:
    """A system prompt, options and a memory policy replace the old ones; an empty option is sent no more."""
    llm_("sessions", "rerun", "work", "--as", "b", "-s", "Sing.", "-o", "mood", "", "--memory", "window").ok()
    assert memory.sessions.get("b").settings == Settings("scripted", "Sing.", {}, memory="window")
    assert script.systems[-1].startswith("Sing.")
    assert script.options[-1] == {"num_predict": None, "mood": None}


def test_a_later_exchange_to_begin_with(memory: Memory, script: Script, llm_: Command) -> None:
    """With --from, the exchanges before it are shared, as in a fork, and sent as the history."""
    llm_("sessions", "rerun", "work", "--from", "3").ok()
    assert said(memory, "work-again") == [("One.", "1"), ("Two.", "2"), ("Three.", "Again.")]
    assert ("assistant", "2") in script.texts()
    error = llm_("sessions", "rerun", "work", "--from", "4")
    assert error.err == "Error: Session “work” has no exchange #4. It has 3, numbered from 1.\n"
    assert len(memory.sessions.names()) == 2


def test_the_recorded_context(memory: Memory, script: Script, llm_: Command) -> None:
    """With --same-context each prompt is sent what was sent before it then; -s replaces only the system prompt."""
    llm_("--session", "work", "Four.").ok()
    before = script.texts()
    llm_("sessions", "rerun", "work", "--same-context", "-j", "3", "-m", "other").ok()
    assert before in [script.texts(call) for call in range(len(script.seen))][-4:]
    llm_("sessions", "rerun", "work", "--same-context", "-s", "Sing.", "--as", "b").ok()
    (role, text), *others = script.texts()
    assert (role, text) == ("system", before[0][1].replace("Be brief.", "Sing."))
    assert others == before[1:]
    assert "4 May" in text
    assert not llm_("sessions", "check").ok().err


def test_what_went_with_a_prompt_goes_along(memory: Memory, script: Script, llm_: Command, tmp_path: Path) -> None:
    """Fragments, attachments, schema, options and a system prompt for one prompt are those of each prompt."""
    notes, picture = tmp_path / "notes.txt", tmp_path / "picture.png"
    notes.write_text("A long text.", "utf-8")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    files = ("-f", str(notes), "--at", str(picture), "image/png")
    went = (*files, "--schema", '{"type": "object", "properties": {}}', "-o", "mood", "glad", "-s", "Sing.")
    llm_("--session", "work", *went, "What is this?").ok()
    llm_("--session", "work", "And that?").ok()
    calls = len(script.seen)
    llm_("sessions", "rerun", "work", "-m", "other", "--from", "4").ok()
    assert [script.texts(call)[0][1].split("\n")[0] for call in (-2, -1)] == ["Sing.", "Be brief."]
    assert [options["mood"] for options in script.options[calls:]] == ["glad", "calm"]
    old, new = (memory.sessions.exchanges(name)[3].turns[0] for name in ("work", "work-other"))
    assert new.fragments == old.fragments == (str(notes),)
    assert new.schema == old.schema != ""
    assert new.input == old.input


def test_excerpts_are_recalled_anew_or_as_they_were(memory: Memory, script: Script, llm_: Command) -> None:
    """Excerpts of a recorded context are sent as fragments of ours again, and never become part of the prompt."""
    llm_("sessions", "set", "work", "--max-context-tokens", "600").ok()
    filling = [f"Other things, number {number}. " + "Filling. " * 100 for number in range(4)]
    for prompt in ("The river is called Tejo.", *filling, "What is the river called?"):
        memory.conversation("work").prompt(prompt).text()
    sent = script.texts()
    assert "Tejo" in sent[-1][1]
    llm_("sessions", "rerun", "work", "-m", "other", "--same-context").ok()
    assert script.texts()[-1] == sent[-1]
    assert said(memory, "work-other")[-1][0] == "What is the river called?"
    rows = memory.desk.log.rows("select turn_id, thread_id from memory_recalls order by turn_id")
    assert rows[-1]["thread_id"] == memory.sessions.get("work").thread_id
    assert not llm_("sessions", "check").ok().err
    llm_("sessions", "rerun", "work", "--as", "own").ok()
    assert said(memory, "own")[-1][0] == "What is the river called?"


def test_what_fails_is_an_attempt_and_is_asked_again(memory: Memory, script: Script, llm_: Command) -> None:
    """A prompt that fails is kept, the next ones are asked, and --resume asks it again, at the end."""
    calls = len(script.seen)
    replies: list[Any] = [ValueError("no such thing") if number == 1 else "Again." for number in range(3)]
    script.replies = [*(["-"] * calls), *replies]
    done = llm_("sessions", "rerun", "work", "-m", "other")
    assert (done.code, done.out) == (1, "Session “work-other” answers 2 of 3 prompts of “work”.\n")
    assert done.err.splitlines() == [
        "#2 failed: no such thing",
        "Continue with: llm sessions rerun work --as work-other --resume",
    ]
    assert [one.prompt for one in memory.record.attempts("work-other")] == ["Two."]
    refused = llm_("sessions", "rerun", "work", "--resume", "-m", "other")
    assert (refused.code, "--resume continues the rerun as it was started" in refused.err) == (2, True)
    llm_("sessions", "rerun", "work", "--resume").ok()
    assert said(memory, "work-other") == [ASKED[0], ASKED[2], ASKED[1]]
    assert [one.answered_by is not None for one in memory.record.attempts("work-other")] == [True]
    nothing = llm_("sessions", "rerun", "work", "--resume")
    assert nothing.err.startswith("Error: No rerun of “work” has prompts left to ask.")


def test_a_rerun_is_a_job_like_others(memory: Memory, script: Script, llm_: Command) -> None:
    """The commands for jobs show a rerun, and ask again what failed."""
    script.replies = [*(["-"] * len(script.seen)), "Again.", ValueError("no such thing"), "Again."]
    llm_("sessions", "rerun", "work", "-m", "other")
    (job,) = memory.jobs.list()
    assert "1 failed" in llm_("sessions", "jobs").ok().out
    llm_("sessions", "job", "retry-failed", job.name).ok()
    assert said(memory, "work-other") == [ASKED[0], ASKED[2], ASKED[1]]
    assert memory.jobs.refreshed(job).counts == {"done": 3}


def test_a_limit_in_dollars(memory: Memory, script: Script, llm_: Command) -> None:
    """With --max-cost it stops, with the reason; --resume goes on with another limit."""
    stopped = llm_("sessions", "rerun", "work", "-m", "other", "--max-cost", "0.01")
    assert (stopped.code, "The limit of $0.01 can't be kept" in stopped.err) == (1, True)
    assert said(memory, "work-other") == []
    llm_("sessions", "rerun", "work", "--resume", "--max-cost", "none").ok()
    assert said(memory, "work-other") == ASKED


def test_nothing_is_made_if_something_is_wrong(memory: Memory, script: Script, llm_: Command) -> None:
    """An unknown model, option or session, or a name that is taken, leaves neither a session nor a job."""
    for arguments, words in (
        (["work", "-m", "no-such-model"], "Model “no-such-model” not found."),
        (["work", "-o", "tempo", "3"], "does not accept these options"),
        (["wrok"], "Did you mean “work”?"),
        (["work", "--as", "work"], "already exists"),
        (["work", "-j", "2"], "-j needs --same-context"),
    ):
        done = llm_("sessions", "rerun", *arguments)
        assert done.code != 0
        assert words in done.err
    assert [*memory.sessions.names()] == ["work"]
    assert memory.jobs.list() == []


def test_an_exchange_that_is_gone_is_not_asked(memory: Memory, script: Script, llm_: Command) -> None:
    """An exchange that was undone after the rerun was begun fails with a sentence; the others are asked."""

    def undo(_: Any) -> str:
        with Memory() as other:
            if len(other.sessions.exchanges("work")) == 3:
                other.undoing.undo("work", 1)
        return "Again."

    script.replies = [undo]
    done = llm_("sessions", "rerun", "work", "-m", "other")
    assert "#3 failed: Exchange #3 of “work” was deleted or undone." in done.err
    assert said(memory, "work-other") == ASKED[:2]


class Caller(llm.Model):
    """Calls the tool that it is offered for two cities, then says what it got."""

    supports_tools = True

    def __init__(self, model_id: str, cities: tuple[str, str]) -> None:
        self.model_id = model_id
        self.cities = cities

    def execute(self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        if prompt.tool_results:
            yield "; ".join(one.output for one in prompt.tool_results)
            return
        for number, city in enumerate(self.cities if prompt.tools else ()):
            response.add_tool_call(llm.ToolCall("weather", {"city": city}, tool_call_id=f"c{number}"))


class Tools:
    """A plugin with the tool `weather`, and models that call it."""

    rains = "Rain"

    @llm.hookimpl
    def register_models(self, register: Any) -> None:
        """Register the models."""
        register(Caller("caller", ("Lisbon", "Porto")))
        register(Caller("other-caller", ("Porto", "Faro")))

    @llm.hookimpl
    def register_tools(self, register: Any) -> None:
        """Register the tool."""

        def weather(city: str) -> str:
            """Return the weather of a city."""
            return f"{self.rains} in {city}"

        register(weather)


def test_recorded_results_stand_for_tools(log: Path, script: Script, llm_: Command) -> None:
    """A call that was recorded gets its result, any other a sentence; --run-tools runs the tool."""
    plugin = Tools()
    pm.register(plugin, name="tools-of-this-test")
    try:
        llm_("-m", "caller", "--session", "work", "-T", "weather", "How is it?").ok()
        plugin.rains = "Sun"
        llm_("sessions", "rerun", "work", "-m", "other-caller", "--as", "recorded").ok()
        llm_("sessions", "rerun", "work", "-m", "other-caller", "--as", "run", "--run-tools").ok()
        with Memory(log) as memory:
            assert said(memory, "recorded") == [("How is it?", f"Rain in Porto; {NOT_RUN}")]
            assert said(memory, "run") == [("How is it?", "Sun in Porto; Sun in Faro")]
            assert memory.desk.log.value("select count(*) from tools") == 1
    finally:
        pm.unregister(plugin)


def test_an_imported_conversation_has_no_recorded_context(log: Path, script: Script, llm_: Command) -> None:
    """A plain conversation of llm can be asked again with its context; one of an older llm or an import can't."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        builder.turns(thread, Said("One.", "1"), Said("Two.", "2"))
    llm_("sessions", "name", thread, "plain").ok()
    llm_("sessions", "rerun", "plain", "--same-context").ok()
    assert script.texts() == [("user", "One."), ("assistant", "1"), ("user", "Two.")]
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    path = log.parent / "chat.json"
    path.write_text(json.dumps({"messages": chat}), "utf-8")
    llm_("sessions", "import", str(path), "--as", "old").ok()
    refused = llm_("sessions", "rerun", "old", "--same-context", "-m", "scripted")
    assert "The context of exchange #1 was not recorded, because it was imported." in refused.err
    assert (
        llm_("sessions", "rerun", "old", "-m", "scripted").ok().out.startswith("Session “old-scripted” answers 1 of 1")
    )


def test_programs(memory: Memory, script: Script) -> None:
    """`memory.rerun` returns the new session; it raises if prompts have failed, with how to go on."""
    seen: list[int] = []
    made = memory.rerun("work", "other", system="Sing.", progress=lambda one: seen.append(one.ended))
    assert (made.name, made.settings.system) == ("work-other", "Sing.")
    assert said(memory, made.name) == ASKED
    assert seen[-1] == 3
    script.replies = [ValueError("no such thing")]
    with pytest.raises(SessionError, match="no such thing Continue with: llm sessions rerun work --resume"):
        memory.rerun("work", start=3)
    with pytest.raises(TypeError, match="Unknown setting"):
        memory.rerun("work", tempo=3)

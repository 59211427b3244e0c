"""Contracts with llm's commands and models: how a prompt becomes a request, and what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llm
import pytest
from llm import cli as llm_cli
from llm.parts import Message, Part, TextPart

from llm_session_memory.llm_seam.options import ours
from tests.conftest import Command
from tests.contracts.sentences import changed
from tests.world.logs import Call, Replier, Said
from tests.world.scripted import AsyncScriptedModel, Script, ScriptedModel

CHOSEN = [
    Message("system", [TextPart("Be brief.")]),
    Message("user", [TextPart("We build a bridge.")]),
    Message("assistant", [TextPart("Noted.")]),
]
SENT = [
    ("system", "Be brief."),
    ("user", "We build a bridge."),
    ("assistant", "Noted."),
    ("user", "When?"),
]
LOOP = Said("What time is it?", "Noon.", calls=(Call("clock", {"zone": "Lisbon"}, "12:00"),))


@contextmanager
def handed_over(conversation: Any) -> Iterator[list[dict[str, Any]]]:
    """Let llm's commands load this conversation, as `llm_seam` does; yield what they asked for."""
    original, asked = llm_cli.load_conversation, []

    def load_conversation(conversation_id: str | None, async_: bool = False, database: str | None = None) -> Any:
        asked.append({"conversation_id": conversation_id, "async_": async_, "database": database})
        return conversation

    llm_cli.load_conversation = load_conversation
    try:
        yield asked
    finally:
        llm_cli.load_conversation = original


class Marked(llm.Conversation):
    """A conversation that counts the prompts sent through either of its methods."""

    ways: list[str]

    def prompt(self, *arguments: Any, **parameters: Any) -> Any:
        """Count and go on."""
        self.ways.append("prompt")
        return super().prompt(*arguments, **parameters)

    def chain(self, *arguments: Any, **parameters: Any) -> Any:
        """Count and go on."""
        self.ways.append("chain")
        return super().chain(*arguments, **parameters)


def marked(script: Script) -> Marked:
    """A marked conversation with the scripted model."""
    conversation = Marked(model=ScriptedModel("scripted", script))
    conversation.ways = []
    return conversation


@pytest.mark.parametrize("name", ["prompt", "chat"])
def test_plugins_are_registered_when_the_commands_exist(name: str) -> None:
    """register_commands runs after `prompt` and `chat` were created, so options can be added to them."""
    there = {parameter.name for parameter in llm_cli.cli.commands[name].params}
    assert set(ours()) <= there, changed(
        f"register_commands runs before `llm {name}` exists, or llm copies its commands", "llm_seam/options.py"
    )


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        pytest.param(("--cid", "x", "When?"), "", id="prompt"),
        pytest.param(("chat", "--cid", "x"), "When?\nquit\n", id="chat"),
    ],
)
def test_commands_load_conversations_by_one_function(
    llm_: Command, script: Script, arguments: tuple[str, ...], typed: str
) -> None:
    """Both commands get an existing conversation from llm.cli.load_conversation, and send their prompt through it."""
    conversation = marked(script)
    with handed_over(conversation) as asked:
        llm_(*arguments, input=typed).ok()
    broken = changed(f"`llm {arguments[0]}` does not call llm.cli.load_conversation", "llm_seam/command.py")
    assert [call["conversation_id"] for call in asked] == ["x"], broken
    assert conversation.ways, changed("the loaded conversation is not what is prompted", "llm_seam/conversation.py")
    assert script.texts() == [("user", "When?")], broken


@pytest.mark.parametrize(
    ("arguments", "way"),
    [
        pytest.param((), ["prompt"], id="without_tools"),
        pytest.param(("-T", "llm_version"), ["chain"], id="with_tools"),
    ],
)
def test_two_methods_lead_to_a_model(llm_: Command, script: Script, arguments: tuple[str, ...], way: list[str]) -> None:
    """`llm prompt` calls conversation.prompt() once, or conversation.chain() once if there are tools."""
    conversation = marked(script)
    with handed_over(conversation):
        llm_("--cid", "x", *arguments, "When?").ok()
    assert conversation.ways == way, changed(
        f"`llm prompt` now calls {conversation.ways} of a conversation, not {way}", "llm_seam/conversation.py"
    )


@pytest.mark.parametrize("method", ["prompt", "chain"])
def test_messages_are_sent_as_they_are(script: Script, method: str) -> None:
    """conversation.prompt(text, messages=chosen) sends exactly `chosen` and the new input, and so does chain()."""
    conversation = llm.Conversation(model=ScriptedModel("scripted", script))
    getattr(conversation, method)("When?", messages=CHOSEN, system="Not said again.").text()
    assert script.texts() == SENT, changed(
        f"Conversation.{method}(messages=) does not send just those and the new input", "llm_seam/conversation.py"
    )


@pytest.mark.parametrize("method", ["prompt", "chain"])
def test_messages_are_sent_as_they_are_async(script: Script, method: str) -> None:
    """The same holds for AsyncConversation."""
    conversation = llm.AsyncConversation(model=AsyncScriptedModel("scripted", script))

    async def ask() -> str:
        response = getattr(conversation, method)("When?", messages=CHOSEN)
        return str(await response.text())

    assert asyncio.run(ask()) == "Noted."
    assert script.texts() == SENT, changed(
        f"AsyncConversation.{method}(messages=) does not send just those and the new input",
        "llm_seam/conversation.py",
    )


def test_an_empty_list_of_messages_is_kept(script: Script) -> None:
    """An empty list of messages counts as a history: nothing replaces it."""
    conversation = llm.Conversation(model=ScriptedModel("scripted", script))
    conversation.prompt("We build a bridge.").text()
    conversation.prompt("When?", messages=[]).text()
    assert script.texts() == [("user", "When?")], changed(
        "Conversation.prompt(messages=[]) sends an old history", "llm_seam/conversation.py"
    )


def test_the_new_input_alone_can_be_built() -> None:
    """_build_full_chain(explicit_messages=[]) is only the new input: fragments, then the text, then attachments."""
    picture = llm.Attachment(type="image/png", content=b"\x89PNG")
    built = llm.Conversation(model=Replier("x", LOOP))._build_full_chain(
        prompt="Look.",
        attachments=[picture],
        tool_results=None,
        explicit_messages=[],
        fragments=[llm.Fragment("A fragment.", "notes.txt")],
    )
    broken = changed("_build_full_chain(explicit_messages=[]) is not the new input alone", "llm_seam/prompting.py")
    assert [message.role for message in built] == ["user"], broken
    text, attached = built[0].parts
    assert text.text == "A fragment.\nLook.", broken
    assert attached.attachment is picture, broken


def test_a_loop_continues_from_what_was_sent() -> None:
    """A tool loop's next request is the previous one as sent, changed or not, plus its reply and the results."""
    conversation = llm.Conversation(model=Replier("x", LOOP))
    chain = conversation.chain("What time is it?", tools=[llm.Tool("clock", "Time.", {}, lambda zone: "12:00")])
    cut = [Message("user", [TextPart("(cut) time?")])]
    roles: list[list[str]] = []
    for number, response in enumerate(chain.responses()):
        if number == 0:
            response.prompt._explicit_messages = list(cut)
        response.text()
        roles.append([message.role for message in response.prompt.messages])
    broken = changed(
        "ChainResponse.responses() does not yield each response before it is sent, or does not build the next round "
        "from its prompt.messages",
        "llm_seam/conversation.py",
    )
    assert roles == [["user"], ["user", "assistant", "tool"]], broken
    assert chain._responses[1].prompt.messages[0].to_dict() == cut[0].to_dict(), broken


def _raise(response: Any) -> None:
    raise ValueError("not a whole reply")


class Failing(llm.Conversation):
    """A conversation whose responses are refused when they are done."""

    def prompt(self, *arguments: Any, **parameters: Any) -> Any:
        """Prompt with a callback that raises."""
        response = super().prompt(*arguments, **parameters)
        response.done_callbacks.append(_raise)
        return response


@pytest.mark.parametrize("flags", [(), ("--no-stream",)], ids=["streaming", "not_streaming"])
def test_a_callback_may_refuse_a_response(llm_: Command, script: Script, flags: tuple[str, ...]) -> None:
    """An exception in a done callback reaches the command line as an error, and nothing is logged."""
    with handed_over(Failing(model=ScriptedModel("scripted", script))):
        done = llm_("--cid", "x", "When?", *flags)
    broken = changed("an error that a done callback raises does not end `llm prompt`", "llm_seam/prompted.py")
    assert done.code == 1, broken
    assert "not a whole reply" in done.err, broken
    assert llm_("logs", "--json").out.strip() in ("", "[]"), changed(
        "a response refused by a callback is logged", "llm_seam/prompted.py"
    )


def test_a_synchronous_copy_keeps_its_identity(script: Script) -> None:
    """The copy of an asynchronous response that is logged keeps its id, text, times and counts."""
    script.count = len
    conversation = llm.AsyncConversation(model=AsyncScriptedModel("scripted", script))
    response = conversation.prompt("When?")
    asyncio.run(response.text())
    copied = response._to_sync_response()

    def facts(one: Any) -> tuple[Any, ...]:
        return (one.id, "".join(one._chunks), one.input_tokens, one.output_tokens, one._start_utcnow)

    assert facts(copied) == facts(response), changed(
        "AsyncResponse._to_sync_response() does not keep id, text, times or counts", "llm_seam/conversation.py"
    )
    assert getattr(copied.conversation, "id", None) == conversation.id, changed(
        "the copy belongs to another conversation", "llm_seam/conversation.py"
    )


def test_responses_survive_a_file(script: Script) -> None:
    """Response.to_dict() and from_dict() keep what is needed to log a response later."""
    script.count = len
    conversation = llm.Conversation(model=ScriptedModel("scripted", script))
    response = conversation.prompt("When?", messages=CHOSEN, mood="calm")
    response.text()
    data = response.to_dict()
    restored = llm.Response.from_dict(data, model=ScriptedModel("scripted", script))
    broken = changed("Response.from_dict(response.to_dict()) is another response", "llm_seam/retry.py (recover)")
    assert len(script.seen) == 1, broken
    assert (restored.id, restored.text()) == (response.id, "Noted."), broken
    assert (restored.input_tokens, restored.output_tokens) == (response.input_tokens, response.output_tokens), broken
    assert [m.to_dict() for m in restored.prompt.messages] == [m.to_dict() for m in response.prompt.messages], broken
    assert dict(restored.prompt.options)["mood"] == "calm", broken
    assert data["datetime_utc"] == response.datetime_utc(), broken


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"type": "text", "text": "Hello"}, id="text"),
        pytest.param({"type": "reasoning", "text": "Hm."}, id="reasoning"),
        pytest.param({"type": "reasoning", "text": "", "redacted": True}, id="reasoning_withheld"),
        pytest.param(
            {"type": "tool_call", "name": "clock", "arguments": {"zone": "Lisbon"}, "tool_call_id": "1"}, id="call"
        ),
        pytest.param({"type": "tool_result", "name": "clock", "output": "12:00", "tool_call_id": "1"}, id="result"),
        pytest.param({"type": "attachment"}, id="attachment_elsewhere"),
        pytest.param(
            {"type": "attachment", "attachment": {"type": "image/png", "url": "http://127.0.0.1/a.png"}}, id="url"
        ),
        pytest.param({"type": "attachment", "attachment": {"type": "image/png", "content": "iVBORw=="}}, id="bytes"),
    ],
)
def test_parts_have_the_wire_forms_that_are_stored(data: dict[str, Any]) -> None:
    """Each wire form makes a part, and that part has the same wire form."""
    made: dict[str, Any] = dict(Part.from_dict(data).to_dict())  # type: ignore[arg-type]  # a plain dict
    assert made == data, changed(f"a part of type {data['type']} has another wire form", "llm_seam/convert.py")

"""From a plan to the exact messages."""

from __future__ import annotations

import pytest

from llm_session_memory.model import Exchange, Message, Part, Sized, Turn
from llm_session_memory.rules.blank import NO_OUTPUT, NO_PROMPT, NO_REPLY
from llm_session_memory.rules.policy import Plan
from llm_session_memory.rules.request import (
    NO_RESULT,
    fragments_in,
    front,
    messages_of,
    system_messages,
    whole,
)
from llm_session_memory.rules.tokens import Measure

LONG = "The harbour office signs off the foundations. " * 100


def text(role: str, content: str) -> Message:
    return Message.of_text(role, content)


def call(*ids: str, **more: object) -> Message:
    return Message(
        "assistant",
        tuple(Part({"type": "tool_call", "name": "f", "arguments": {}, "tool_call_id": id_, **more}) for id_ in ids),
    )


def result(*ids: str, output: str = "42") -> Message:
    return Message(
        "tool",
        tuple(Part({"type": "tool_result", "name": "f", "output": output, "tool_call_id": id_}) for id_ in ids),
    )


def exchange(number: int, *turns: tuple[tuple[Message, ...], tuple[Message, ...]]) -> Exchange:
    made = tuple(Turn(f"t{number}.{n}", "m", asked, said) for n, (asked, said) in enumerate(turns))
    return Exchange(number, made)


def said(number: int, prompt: str = "Why?", reply: str = "Because.") -> Exchange:
    return exchange(number, ((text("user", prompt),), (text("assistant", reply),)))


def sized(*exchanges: Exchange) -> tuple[Sized, ...]:
    return tuple(Sized(e.number, e.id, Measure().tokens(Measure().base(whole(e)))) for e in exchanges)


# -- the front ---------------------------------------------------------


def test_different_fronts_are_different() -> None:
    """System prompt and pins, in their order, make the front; two different ones never look the same."""
    fronts = [(None, []), ("a", []), ("a", ["b"]), ("ab", []), (None, ["a"]), ("a", ["b", "c"]), ("a", ["c", "b"])]
    assert len({front(system, pins) for system, pins in fronts}) == len(fronts)
    assert front(None, []) == front("", [])
    assert front("a", ["b"]) == front("a", ("b",))
    assert front("\udcff", [])


def test_no_system_prompt_is_no_message() -> None:
    """A missing or empty system prompt sends no system message."""
    assert system_messages(None) == system_messages("") == system_messages(" \n") == ()
    assert system_messages("Be brief.") == (text("system", "Be brief."),)


# -- an exchange, as it is sent again ----------------------------------

ONE_TURN = ((text("user", "Why?"),), (text("assistant", "Because."),))

WHOLE: dict[str, tuple[Exchange, tuple[Message, ...]]] = {
    "prompt and reply": (said(1), (text("user", "Why?"), text("assistant", "Because."))),
    "a tool loop": (
        exchange(1, ((text("user", "Why?"),), (call("1"),)), ((result("1"),), (text("assistant", "42."),))),
        (text("user", "Why?"), call("1"), result("1"), text("assistant", "42.")),
    ),
    "no reply": (
        exchange(1, ((text("user", "Why?"),), ())),
        (text("user", "Why?"), text("assistant", NO_REPLY)),
    ),
    "a reply of nothing": (
        exchange(1, ((text("user", "Why?"),), (Message("assistant", ()),))),
        (text("user", "Why?"), text("assistant", NO_REPLY)),
    ),
    "no reply after a result": (
        exchange(1, ((text("user", "Why?"),), (call("1"),)), ((result("1"),), ())),
        (text("user", "Why?"), call("1"), result("1"), text("assistant", NO_REPLY)),
    ),
    "calls that were never run": (
        exchange(1, ((text("user", "Why?"),), (call("1", "2"),))),
        (text("user", "Why?"), call("1", "2"), result("1", "2", output=NO_RESULT), text("assistant", NO_REPLY)),
    ),
    "a call that the server ran itself": (
        exchange(1, ((text("user", "Why?"),), (call("1", server_executed=True),))),
        (text("user", "Why?"), call("1", server_executed=True)),
    ),
    "a reply of blanks": (said(1, reply="\n\n"), (text("user", "Why?"), text("assistant", NO_REPLY))),
    "a prompt of blanks": (said(1, prompt=" \u200b"), (text("user", NO_PROMPT), text("assistant", "Because."))),
    "a result of blanks": (
        exchange(1, ((text("user", "Why?"),), (call("1"),)), ((result("1", output="\n"),), (text("assistant", "."),))),
        (text("user", "Why?"), call("1"), result("1", output=NO_OUTPUT), text("assistant", ".")),
    ),
    "nothing at all": (exchange(1, ((), ())), (text("assistant", NO_REPLY),)),
    "an attachment that came with a result": (
        exchange(
            1,
            ((text("user", "Why?"),), (call("1"),)),
            ((result("1"), text("user", "see")), (text("assistant", "42."),)),
        ),
        (text("user", "Why?"), call("1"), result("1"), text("user", "see"), text("assistant", "42.")),
    ),
}


@pytest.mark.parametrize(("given_", "expected"), WHOLE.values(), ids=WHOLE.keys())
def test_an_exchange_is_sent_whole(given_: Exchange, expected: tuple[Message, ...]) -> None:
    """An exchange is sent with all its messages, none empty, each call with a result, a reply last."""
    assert whole(given_) == expected


# -- the messages of a plan --------------------------------------------


def test_the_order_is_system_pins_recent() -> None:
    """A request is the system prompt, the pinned exchanges, then the newest, each in order."""
    talk = [said(n, f"Q{n}", f"A{n}") for n in range(1, 6)]
    chosen = sized(*talk)
    made = messages_of(Plan((chosen[0], chosen[2]), chosen[3:], 0), "Be brief.", {e.id: e for e in talk}, Measure())
    assert made is not None
    sent, spared = made
    assert [m.text for m in sent] == ["Be brief.", "Q1", "A1", "Q3", "A3", "Q4", "A4", "Q5", "A5"]
    assert spared == 0


def test_a_cut_newest_exchange_returns_the_tokens_it_saved() -> None:
    """The newest exchange is cut to its tokens; the tokens by which it stayed below are returned for the sum."""
    one = said(1, LONG)
    made = messages_of(Plan((), sized(one), 0, clip=200), None, {one.id: one}, Measure())
    assert made is not None
    sent, spared = made
    assert Measure().tokens(Measure().base(sent)) + spared == 200
    assert 0 <= spared < 20
    assert "left out here" in sent[0].text
    assert messages_of(Plan((), sized(one), 0, clip=3), None, {one.id: one}, Measure()) is None


# -- fragments ---------------------------------------------------------


def test_fragments_are_named_once_and_only_if_they_are_used() -> None:
    """Fragments of restored messages are found once each; one whose text was cut away is not stored again."""
    notes, empty, gone = "the notes", "", "gone"
    one = Message("user", (Part({"type": "text", "text": "the notes\nSummarise"}, (), (notes, empty, gone)),))
    assert fragments_in([one, text("assistant", "OK"), one]) == [notes]

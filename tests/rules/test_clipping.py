"""Cutting the one exchange that does not fit: never over the limit, and always with a visible mark."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Attachment, Message, Part
from llm_session_memory.rules.clipping import clip, cut_middle
from llm_session_memory.rules.tokens import Measure
from tests.world.laws import tried

LONG = "The harbour office signs off the foundations. " * 100
IMAGE = (Attachment("abc", "image/png"),)


def text(role: str, content: str) -> Message:
    return Message.of_text(role, content)


def call(arguments: dict[str, object]) -> Message:
    return Message(
        "assistant", (Part({"type": "tool_call", "name": "f", "arguments": arguments, "tool_call_id": "1"}),)
    )


def result(output: str, attachments: tuple[Attachment, ...] = ()) -> Message:
    part = Part({"type": "tool_result", "name": "f", "output": output, "tool_call_id": "1"}, attachments)
    return Message("tool", (part,))


def shown(messages: tuple[Message, ...] | None) -> str:
    """Return everything in messages that a model reads."""
    assert messages is not None
    return "\n".join(str(part.data) for message in messages for part in message.parts)


# -- one text ----------------------------------------------------------

CUT = {
    "shorter than asked": ("abc", 3, "abc"),
    "the mark would be longer than what it replaces": ("x" * 60, 10, "x" * 60),
    "head and tail": (
        "a" * 500 + "b" * 500,
        10,
        "aaaaa\n[… 990 of 1,000 characters left out here; the log keeps them …]\nbbbbb",
    ),
    "an odd number: the head has one more": (
        "a" * 500 + "b" * 500,
        3,
        "aa\n[… 997 of 1,000 characters left out here; the log keeps them …]\nb",
    ),
    "one character": ("a" * 1_000, 1, "a\n[… 999 of 1,000 characters left out here; the log keeps them …]\n"),
    "nothing": ("a" * 1_000, 0, "\n[… 1,000 of 1,000 characters left out here; the log keeps them …]\n"),
    "empty": ("", 0, ""),
}


@pytest.mark.parametrize(("content", "keep", "expected"), CUT.values(), ids=CUT.keys())
def test_a_text_loses_its_middle(content: str, keep: int, expected: str) -> None:
    """A text that is cut keeps its beginning and end, with a mark that says how much is left out."""
    assert cut_middle(content, keep) == expected


@given(st.text(max_size=300), st.integers(0, 300))
def test_a_cut_text_is_shorter_and_marked_or_whole(content: str, keep: int) -> None:
    """A cut never makes a text longer, and no text is shortened without a mark."""
    found = cut_middle(content, keep)
    assert found == content or (len(found) < len(content) and "left out here; the log keeps them …]" in found)


# -- an exchange -------------------------------------------------------


def test_what_fits_is_not_touched() -> None:
    """Messages that fit are returned unchanged."""
    messages = (text("user", "Why?"), text("assistant", "Because."))
    assert clip(messages, 100, Measure()) == messages


def test_the_longest_texts_are_cut_and_short_ones_stay() -> None:
    """Short texts stay whole; long ones keep as much as the limit allows."""
    messages = (text("user", "Summarise this."), text("user", LONG), text("assistant", "It is about a harbour."))
    found = clip(messages, 300, Measure())
    assert found is not None
    assert (found[0], found[2]) == (messages[0], messages[2])
    assert "left out here" in found[1].text
    assert 250 <= Measure().tokens(Measure().base(found)) <= 300


def test_tool_traffic_stays_paired() -> None:
    """Results and arguments are cut like texts; names and ids of calls stay, so each result still has its call."""
    messages = (
        text("user", "Read it."),
        call({"path": "a.txt", "content": LONG}),
        result(LONG),
        text("assistant", "OK"),
    )
    found = clip(messages, 200, Measure())
    assert found is not None
    assert [message.role for message in found] == ["user", "assistant", "tool", "assistant"]
    made, returned = found[1].parts[0].data, found[2].parts[0].data
    assert (made["name"], made["tool_call_id"]) == (returned["name"], returned["tool_call_id"]) == ("f", "1")
    assert made["arguments"]["path"] == "a.txt"
    assert "left out here" in made["arguments"]["content"]
    assert "left out here" in returned["output"]


def test_nested_arguments_are_cut() -> None:
    """Texts in lists and dictionaries of a call's arguments are cut; numbers and names are not."""
    found = clip((call({"n": 1, "rows": [{"text": LONG}, LONG, None]}),), 150, Measure())
    assert found is not None
    arguments = found[0].parts[0].data["arguments"]
    assert (arguments["n"], arguments["rows"][2]) == (1, None)
    assert "left out" in arguments["rows"][0]["text"]
    assert "left out" in arguments["rows"][1]


def test_a_call_without_arguments_gets_none() -> None:
    """A part never gets a field that it did not have."""
    bare = Message("assistant", (Part({"type": "tool_call", "name": "f", "tool_call_id": "1"}),))
    found = clip((text("user", LONG), bare), 100, Measure())
    assert found is not None
    assert found[1] == bare


def test_reasoning_goes_first() -> None:
    """Reasoning is removed whole, because a model's signature of it would not be valid for part of it."""
    thought = Part({"type": "reasoning", "text": LONG, "provider_metadata": {"signature": "x"}})
    reply = Message("assistant", (thought, Part({"type": "text", "text": "Because."})))
    assert clip((text("user", "Why?"), reply), 100, Measure()) == (text("user", "Why?"), text("assistant", "Because."))


def test_a_reply_of_reasoning_alone_leaves_a_mark() -> None:
    """A reply that was only reasoning does not become an empty message, which many models refuse."""
    reply = Message("assistant", (Part({"type": "reasoning", "text": LONG}),))
    found = clip((text("user", "Why?"), reply), 100, Measure())
    assert found is not None
    assert "reasoning left out here" in found[1].text


def test_attachments_stay_if_cutting_texts_is_enough() -> None:
    """An attachment is left out only if cutting texts is not enough."""
    picture = Message("user", (Part({"type": "text", "text": LONG}), Part({"type": "attachment"}, IMAGE)))
    found = clip((picture,), 900, Measure())
    assert found is not None
    assert found[0].parts[1].attachments == IMAGE
    assert "left out" in found[0].text


ATTACHED = {
    "of a prompt": Message("user", (Part({"type": "text", "text": "See."}), Part({"type": "attachment"}, IMAGE))),
    "of a tool's result": result("Here it is.", IMAGE),
    "of a tool's result without a text": result("", IMAGE),
    "two of a tool's result": result("Both.", IMAGE * 2),
}


@pytest.mark.parametrize("message", ATTACHED.values(), ids=ATTACHED.keys())
def test_an_attachment_that_is_left_out_leaves_a_mark(message: Message) -> None:
    """Where an attachment was, a mark says what is left out, and the texts next to it stay whole."""
    found = clip((message,), 100, Measure())
    assert found is not None
    assert not any(part.attachments for part in found[0].parts)
    assert "image/png left out here; the log keeps it" in shown(found)
    for part in message.parts:
        assert str(part.data.get("text") or part.data.get("output") or "") in shown(found)


def test_clip_returns_none_if_not_even_the_marks_fit() -> None:
    """If even the shortest form is too long, the result is None."""
    assert clip((text("user", LONG),), 10, Measure()) is None
    assert clip((text("user", "Why?"),), 0, Measure()) is None


words = st.text(max_size=20) | st.builds(
    lambda t, n: t * n, st.sampled_from(["word ", "橋", "{}\n", "é"]), st.integers(0, 900)
)


def parts() -> st.SearchStrategy[Part]:
    held = st.sampled_from([(), (), IMAGE])
    return st.one_of(
        st.builds(lambda t: Part({"type": "text", "text": t}), words),
        st.builds(lambda t: Part({"type": "reasoning", "text": t}), words),
        st.builds(lambda t: Part({"type": "tool_call", "name": "f", "arguments": {"a": [t]}}), words),
        st.builds(lambda t, h: Part({"type": "tool_result", "name": "f", "output": t}, h), words, held),
        st.just(Part({"type": "attachment"}, IMAGE)),
    )


messages_ = st.lists(
    st.builds(
        Message, st.sampled_from(["user", "assistant", "tool"]), st.lists(parts(), min_size=1, max_size=3).map(tuple)
    ),
    min_size=1,
    max_size=5,
).map(tuple)


def visible(messages: tuple[Message, ...]) -> Iterator[tuple[str, object]]:
    """Return what is sent of messages besides reasoning: each text, and each attachment."""
    for message in messages:
        for part in message.parts:
            if part.type != "reasoning":
                yield part.type, part.data.get("text") or part.data.get("output") or part.data.get("arguments")
                yield from (("held", attachment.id) for attachment in part.attachments)


@tried(400)
@given(messages_, st.integers(0, 3_000), st.floats(0.6, 1.6), st.booleans())
def test_laws_of_clip(messages: tuple[Message, ...], limit: int, rate: float, reasoning: bool) -> None:
    """Never over the limit; same messages in the same order, none empty; everything that is shortened is marked."""
    measure = Measure(rate, reasoning)
    found = clip(messages, limit, measure)
    if found is None:
        return
    assert measure.tokens(measure.base(found)) <= limit
    assert [message.role for message in found] == [message.role for message in messages]
    assert all(message.parts for message in found)
    if list(visible(found)) != list(visible(messages)):
        assert "left out here; the log keeps" in shown(found)
    assert clip(messages, limit, measure) == found


@tried(200)
@given(st.integers(60, 2_000), st.sampled_from([LONG, "橋の計画。" * 500, '{"a": [1, 2, 3]}\n' * 200]))
def test_as_much_as_fits_is_kept(limit: int, content: str) -> None:
    """Of one long text, nearly all that the limit allows is kept."""
    measure = Measure()
    found = clip((text("user", content),), limit, measure)
    assert found is not None
    assert found[0].text == content or measure.tokens(measure.base(found)) >= limit - 12

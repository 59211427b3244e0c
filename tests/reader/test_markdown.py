"""A session's transcript, as Markdown for people and as fields for programs."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model import Attachment, Attempt, Exchange, Message, Part, Session, Settings, Turn
from llm_session_memory.reader.files.fields import as_fields
from llm_session_memory.reader.files.markdown import ShownTranscript, as_markdown

SESSION = Session("01thread", "work", "2026-11-20T09:00:00+00:00", Settings("llama3", None, {"num_ctx": 8192}))


def text(role: str, content: str) -> Message:
    return Message.of_text(role, content)


def turn(id_: str, asked: tuple[Message, ...], said: tuple[Message, ...], **values: object) -> Turn:
    return Turn(id_, "llama3", asked, said, **{"datetime_utc": "2026-11-20T09:01:30", **values})  # type: ignore[arg-type]


def said(number: int, prompt: str, reply: str, **values: object) -> Exchange:
    return Exchange(number, (turn(f"0{number}", (text("user", prompt),), (text("assistant", reply),), **values),))


def attempt(id_: str, **values: object) -> Attempt:
    made: dict[str, Any] = {
        "id": id_, "thread_id": "01thread", "model": "llama3", "prompt": "And when?", "error": "interrupted",
        "partial": "", "datetime_utc": "2026-11-20T09:02:00", "duration_ms": None, "request": {},
    }  # fmt: skip
    return Attempt(**{**made, **values})


def transcript(
    *exchanges: Exchange, session: Session = SESSION, total: int | None = None, **values: object
) -> ShownTranscript:
    made: dict[str, object] = {"attempts": (), "pinned": frozenset(), **values}
    return ShownTranscript(session, len(exchanges) if total is None else total, exchanges, **made)  # type: ignore[arg-type]


def test_a_transcript_reads_from_top_to_bottom() -> None:
    """A transcript is the session's name and facts, then each exchange with its facts, prompt and reply."""
    first = said(1, "We build a bridge.", "Noted.", input_tokens=1_200, output_tokens=5, duration_ms=1_234)
    second = said(2, "When?", "On 4 May.", cut="halved")
    assert as_markdown(transcript(first, second, pinned=frozenset({1}))) == (
        "# work\n\n"
        "2 exchanges · llama3 · 01thread\n\n"
        "## #1 · 2026-11-20 09:01 UTC · llama3 · 1,200 → 5 tokens · 1.2 s · pinned\n\n"
        "**You:** We build a bridge.\n\n"
        "**Model:** Noted.\n\n"
        "## #2 · 2026-11-20 09:01 UTC · llama3 · cut by the server\n\n"
        "**You:** When?\n\n"
        "**Model:** On 4 May.\n"
    )


BEGUN = [
    pytest.param('{"a": "*b*"}', '**Model:**\n\n```json\n{"a": "*b*"}\n```', id="JSON"),
    pytest.param('{"a": "```"}', '**Model:**\n\n````json\n{"a": "```"}\n````', id="JSON with a fence in it"),
    pytest.param("- one\n- two", "**Model:**\n\n- one\n- two", id="a list"),
    pytest.param("```python\nx\n```", "**Model:**\n\n```python\nx\n```", id="a fence"),
    pytest.param("# Title", "**Model:**\n\n# Title", id="a heading"),
    pytest.param("-5 degrees", "**Model:** -5 degrees", id="words"),
]


@pytest.mark.parametrize(("reply", "shown"), BEGUN)
def test_a_reply_keeps_its_meaning_as_markdown(reply: str, shown: str) -> None:
    """JSON is fenced, and a reply that begins with a list, a heading or a fence has a line of its own."""
    assert shown in as_markdown(transcript(said(1, "Go", reply)))
    assert shown.replace("Model:", "Model (partial reply):") in as_markdown(
        transcript(attempts=(attempt("03", partial=reply),))
    )


HEADS = {
    "none": (transcript(), "# work\n\n0 exchanges · llama3 · 01thread\n"),
    "one": (transcript(said(1, "Q", "A")), "# work\n\n1 exchange · llama3 · 01thread\n"),
    "some of many": (
        transcript(said(1_000, "Q", "A"), said(1_001, "Q", "A"), total=2_345),
        "# work\n\nexchanges 1,000 to 1,001 of 2,345 · llama3 · 01thread\n",
    ),
    "no model": (
        transcript(session=Session("01thread", "work", "", Settings())),
        "# work\n\n0 exchanges · no model yet · 01thread\n",
    ),
    "a system prompt": (
        transcript(session=Session("01thread", "work", "", Settings("m", "Be brief."))),
        "# work\n\n0 exchanges · m · 01thread\n\n**System prompt:** Be brief.\n",
    ),
}


@pytest.mark.parametrize(("given_", "head"), HEADS.values(), ids=HEADS.keys())
def test_the_head_says_what_is_shown(given_: ShownTranscript, head: str) -> None:
    """The head names the session, how much of it is shown, its model, its thread and its system prompt."""
    assert as_markdown(given_).startswith(head)


def test_tool_traffic_reasoning_and_attachments_are_shown() -> None:
    """Calls, results, reasoning, fragments and attachments each look different from messages."""
    picture = Attachment("abcdef0123456789", "image/png")
    elsewhere = Attachment("b", "image/jpeg", url="https://example.com/b.jpg")
    asked = Message(
        "user", (Part({"type": "text", "text": "Add."}), Part({"type": "attachment"}, (picture, elsewhere)))
    )
    thinking = Message(
        "assistant",
        (
            Part({"type": "reasoning", "text": "Two\nlines."}),
            Part({"type": "reasoning"}),
            Part({"type": "tool_call", "name": "add", "arguments": {"a": "1"}}),
            Part({"type": "hologram"}),
        ),
    )
    result = Message("tool", (Part({"type": "tool_result", "name": "add", "output": "a\nb"}),))
    exchange = Exchange(
        1,
        (
            turn("01", (asked,), (thinking,), fragments=("notes.txt", "ab12")),
            turn("02", (result,), (text("assistant", "3"),), output_tokens=1, input_tokens=9),
        ),
    )
    shown = as_markdown(transcript(exchange)).split("\n\n", 3)[3]
    assert shown == (
        "*Fragments: notes.txt, ab12*\n\n"
        "**You:** Add.\n\n"
        "*Attachment: image/png, abcdef012345, stored in the log*\n\n"
        "*Attachment: image/jpeg, https://example.com/b.jpg*\n\n"
        "*Reasoning:*\n\n> Two\n> lines.\n\n"
        "*Reasoning withheld*\n\n"
        '*Tool call* `add` `{"a": "1"}`\n\n'
        "*Result of `add`:*\n\n> a\n> b\n\n"
        "**Model:** 3\n"
    )


def test_attempts_appear_in_order_of_time() -> None:
    """A failed prompt appears between the exchanges, with its partial reply and the command that sends it again."""
    shown = as_markdown(
        transcript(
            said(1, "Q1", "A1"),
            said(2, "Q2", "A2"),
            attempts=(
                attempt("015", partial="On 4", error="HTTP 500"),
                attempt("016", answered_by="02"),
                attempt("017", answered_by="99"),
            ),
        )
    )
    assert [line for line in shown.splitlines() if line.startswith("## ")] == [
        "## #1 · 2026-11-20 09:01 UTC · llama3",
        "## Not answered · 2026-11-20 09:02 UTC · llama3",
        "## Not answered · 2026-11-20 09:02 UTC · llama3 · answered by exchange #2",
        "## Not answered · 2026-11-20 09:02 UTC · llama3 · answered later",
        "## #2 · 2026-11-20 09:01 UTC · llama3",
    ]
    assert "**Model (partial reply):** On 4\n\n*Failed: HTTP 500*" in shown
    assert shown.count("*Retry sends the newest unanswered prompt again:* `llm sessions retry work`") == 1


def test_the_command_to_send_again_can_be_copied() -> None:
    """The command works in a shell when pasted unchanged, whatever the session's name."""
    session = Session("01thread", "it's two words; $HOME", "", Settings("m"))
    shown = as_markdown(transcript(session=session, attempts=(attempt("01"),)))
    assert """`llm sessions retry 'it'"'"'s two words; $HOME'`""" in shown


def test_markup_in_names_is_escaped() -> None:
    """A name that looks like markup is escaped in Markdown; other names don't change."""
    session = Session("01thread", r"a_b C:\temp *x* [y](z) <b>", "", Settings("gpt_4_o"))
    assert as_markdown(transcript(session=session)).splitlines()[:3] == [
        r"# a_b C:\\temp \*x\* \[y\](z) \<b\>",
        "",
        "0 exchanges · gpt_4_o · 01thread",
    ]


CODE = {
    "none": ("x", '`{"a": "x"}`'),
    "one": ("a`b", '``{"a": "a`b"}``'),
    "two in a row": ("a``b", '```{"a": "a``b"}```'),
}


@pytest.mark.parametrize(("value", "shown"), CODE.values(), ids=CODE.keys())
def test_arguments_with_backticks_stay_one_piece_of_code(value: str, shown: str) -> None:
    """The fence around a call's arguments is longer than any run of backticks in them."""
    call = Message("assistant", (Part({"type": "tool_call", "name": "f", "arguments": {"a": value}}),))
    found = as_markdown(transcript(Exchange(1, (turn("01", (text("user", "Q"),), (call,)),))))
    assert f"*Tool call* `f` {shown}\n" in found


@given(st.text(), st.text(), st.text())
def test_a_transcript_has_no_control_characters(prompt: str, reply: str, other: str) -> None:
    """Whoever wrote its texts, a transcript has no control characters except newline and tab."""
    tool = Message("tool", (Part({"type": "tool_result", "name": other, "output": reply}),))
    call = Message("assistant", (Part({"type": "tool_call", "name": other, "arguments": {other: reply}}),))
    held = Message("user", (Part({"type": "attachment"}, (Attachment("i", other, path=other),)),))
    session = Session("01thread", "work", "", Settings(other, other))
    shown = as_markdown(
        transcript(
            Exchange(
                1, (turn("01", (text("user", prompt), held), (call,), fragments=(other,)), turn("02", (tool,), ()))
            ),
            session=session,
            attempts=(attempt("03", prompt=prompt, partial=reply, error=other, model=other),),
        )
    )
    assert {c for c in shown if unicodedata.category(c) == "Cc"} <= {"\n", "\t"}


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_fields_hold_unchanged_texts(prompt: str, reply: str) -> None:
    """For programs, texts are unchanged, and everything survives a round trip through JSON."""
    exchange = said(3, prompt, reply, input_tokens=7)
    fields = as_fields(transcript(exchange, total=3, attempts=(attempt("015"),), pinned=frozenset({3})))
    assert json.loads(json.dumps(fields)) == fields
    (one,) = fields["exchanges"]
    assert (one["number"], one["prompt"], one["reply"], one["pinned"]) == (3, prompt, reply, True)
    assert one["turns"][0]["messages"][0] == {"role": "user", "parts": [{"type": "text", "text": prompt}]}
    assert one["turns"][0]["input_tokens"] == 7
    assert (fields["exchanges_in_all"], fields["options"]) == (3, {"num_ctx": 8192})
    assert fields["attempts"][0]["error"] == "interrupted"


SCHEMA = '{"properties": {"low": {"type": "integer"}}}'


def test_a_schema_is_shown_if_it_is_not_the_one_above() -> None:
    """The schema that a reply had to follow is before the first reply that followed it."""
    first, second = (
        Exchange(number, (turn(f"0{number}", (text("user", "Q"),), (text("assistant", '{"low": 1}'),), schema=SCHEMA),))
        for number in (1, 2)
    )
    shown = as_markdown(transcript(first, second))
    assert shown.count("*Schema:*") == 1
    assert "**You:** Q\n\n*Schema:*\n\n```json\n" + SCHEMA + "\n```\n\n**Model:**" in shown


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_prompt_or_a_reply_without_text_says_so(blank: str) -> None:
    """Nothing is not an empty line after a name."""
    empty = Exchange(1, (turn("01", (text("user", blank),), (text("assistant", blank),)),))
    assert as_markdown(transcript(empty)).endswith("**You:** (no text)\n\n**Model:** (no text)\n")


def test_a_file_is_named_without_its_folders() -> None:
    """Whoever gets the transcript needn't know where the files of its author are."""
    for path in ("/home/me/deck.png", "C:\\pictures\\deck.png"):
        picture = Message("user", (Part({"type": "attachment"}, (Attachment("abc", "image/png", path=path),)),))
        assert "*Attachment: image/png, deck.png*" in as_markdown(
            transcript(Exchange(1, (turn("01", (picture,), ()),)))
        )


def test_fields_name_attachments_by_id() -> None:
    """For programs, an attachment is its id in the log."""
    picture = Message("user", (Part({"type": "attachment"}, (Attachment("abc", "image/png"),)),))
    fields = as_fields(transcript(Exchange(1, (turn("01", (picture,), ()),))))
    assert fields["exchanges"][0]["turns"][0]["messages"][0]["parts"] == [
        {"type": "attachment", "attachments": ["abc"]}
    ]

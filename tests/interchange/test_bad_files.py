"""Files that are no session: each is refused with a sentence, and the log is as it was, byte for byte."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange import importing, lines
from llm_session_memory.interchange.lines import FileRefused
from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.interchange.world import import_lines

GOOD = {"prompt": "We build a bridge.", "response": "Noted."}
HEADER = {"format": "llm-session", "version": 1, "name": "work"}
TURN = {"input": [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}], "output": []}


def turn(**more: Any) -> dict[str, Any]:
    return {"turns": [{**TURN, **more}]}


def part(role: str = "user", side: str = "input", **fields: Any) -> dict[str, Any]:
    return {"turns": [{**TURN, side: [{"role": role, "parts": [fields]}]}]}


def attached(**fields: Any) -> dict[str, Any]:
    return part(type="attachment", attachment=fields)


TEXTS: dict[str, tuple[str, str]] = {
    "empty": ("", "There is no session in work.jsonl."),
    "blank": ("\n\n  \n", "There is no session in work.jsonl."),
    "a list": ('[{"prompt": "x"}]\n', "Line 1 of work.jsonl starts a JSON list."),
    "prose": ("Dear diary,\n", "Line 1 of work.jsonl is not a JSON object: it starts with “Dear diary,”."),
    "escapes": ("\x1b[31mred\n", "Line 1 of work.jsonl is not a JSON object: it starts with bytes that are not text."),
    "pretty-printed": (
        '{\n  "prompt": "x"\n}\n',
        "Line 1 of work.jsonl is not a complete JSON object: it continues on the next line.",
    ),
    "pretty-printed another way": (
        '{ "prompt": "x",\n  "response": "y" }\n',
        "Line 1 of work.jsonl is not a complete JSON object: it continues on the next line.",
    ),
    "cut off": ('{"prompt": "x"}\n{"prompt": "y", "resp', "Line 2 of work.jsonl is not JSON ("),
    "the same key twice": (
        '{"prompt": "x", "prompt": "y"}\n',
        "Line 1 of work.jsonl has the key “prompt” twice in one object.",
    ),
    "the same key twice, deep": (
        '{"prompt": "x", "options": {"a": {"b\\u001b": 1, "b\\u001b": 2}}}\n',
        "Line 1 of work.jsonl has the key “b\\x1b” twice in one object.",
    ),
    "nested without end": ('{"prompt": ' + "[" * 200_000 + "\n", "Line 1 of work.jsonl is nested too deeply."),
    "nested without end, beside": (
        '{"prompt": "x", "response_json": ' + "[" * 200_000 + "]" * 200_000 + "}\n",
        "Line 1 of work.jsonl is nested too deeply.",
    ),
    "a number of 5,000 digits": (
        '{"prompt": "x", "response_json": ' + "1" * 5_000 + "}\n",
        "Line 1 of work.jsonl has the number 11111111111111111111…, which can't be stored.",
    ),
    "a number that is infinite": (
        '{"prompt": "x", "options": {"temperature": -1e999}}\n',
        "Line 1 of work.jsonl has the number -1e999, which can't be stored.",
    ),
    "a number that is none": (
        '{"prompt": "x", "response_json": {"logprobs": [NaN]}}\n',
        "Line 1 of work.jsonl has the number NaN, which can't be stored.",
    ),
    "too much JSON": (
        '{"prompt": "x", "response_json": [' + "{}," * 1_400_000 + "1]}\n",
        "Line 1 of work.jsonl has more than 4 MB of JSON besides its texts.",
    ),
    "half a character": (
        '{"prompt": "x\\ud800"}\n',
        "Line 1 of work.jsonl has half a character (U+D800), which can't be stored.",
    ),
}

LINES: dict[str, tuple[list[Any], str]] = {
    "another format": ([{"format": "chat"}], "The format of work.jsonl is “chat”, not “llm-session”."),
    "a format that is no text": ([{"format": 1}], "The format of work.jsonl is something else, not “llm-session”."),
    "a newer version": (
        [{**HEADER, "version": 2}],
        "The format of work.jsonl is version 2, but this plugin only reads versions up to 1.",
    ),
    "a version as text": (
        [{**HEADER, "version": "1"}],
        "Line 1 of work.jsonl: “version” is the string “1”, not a whole number of at least 0.",
    ),
    "no version": (
        [{"format": "llm-session"}],
        "Line 1 of work.jsonl has no “version”, which must be a whole number of at least 1.",
    ),
    "two headers": ([HEADER, HEADER], "Line 2 of work.jsonl is a second header, but a file can have only one session."),
    "fewer exchanges than announced": (
        [{**HEADER, "exchanges": 2}, GOOD],
        "The first line of work.jsonl announces 2 exchanges, but 1 follow.",
    ),
    "an unknown policy": (
        [{**HEADER, "memory": "telepathy"}],
        "Line 1 of work.jsonl: “telepathy” is not a memory policy.",
    ),
    "a policy that writes to the terminal": (
        [{**HEADER, "memory": "\x1b]0;x\x07"}],
        "Line 1 of work.jsonl: “␛]0;x␇” is not a memory policy.",
    ),
    "options that are none": (
        [{**HEADER, "options": [1]}],
        "Line 1 of work.jsonl: “options” is a list, not an object.",
    ),
    "a tag of nothing": (
        [{**HEADER, "tags": [""]}],
        "Line 1 of work.jsonl: “” can't be a tag or a key. Use 1 to 60 printable characters.",
    ),
    "a key that could not be asked for": (
        [{**HEADER, "meta": {"a=b": "c"}}],
        "Line 1 of work.jsonl: “a=b” can't be a key. A key can't contain “=”.",
    ),
    "a fact that is no text": ([{**HEADER, "meta": {"a": 1}}], "Line 1 of work.jsonl, meta: “a” is 1, not a string."),
    "a note of a book": (
        [{**HEADER, "notes": [{"text": "x" * 3000}]}],
        "Line 1 of work.jsonl, note 1 has 3,000 characters; a note can have 1 to 2,000.",
    ),
    "neither turns nor prompt": ([{"text": "x"}], "Line 1 of work.jsonl has neither “turns” nor “prompt”."),
    "a prompt that is none": ([{"prompt": 5}], "Line 1 of work.jsonl: “prompt” is 5, not a string."),
    "a response that is none": (
        [{**GOOD, "response": ["x"]}],
        "Line 1 of work.jsonl: “response” is a list, not a string.",
    ),
    "tokens as text": (
        [GOOD, {**GOOD, "input_tokens": "12"}],
        "Line 2 of work.jsonl: “input_tokens” is the string “12”, not a whole number of at least 0.",
    ),
    "tokens below nothing": (
        [{**GOOD, "output_tokens": -1}],
        "Line 1 of work.jsonl: “output_tokens” is -1, not a whole number of at least 0.",
    ),
    "tokens beyond SQLite": (
        [{**GOOD, "output_tokens": 2**63}],
        "Line 1 of work.jsonl: “output_tokens” is a number that is too large, not a whole number of at least 0.",
    ),
    "tokens true": (
        [{**GOOD, "input_tokens": True}],
        "Line 1 of work.jsonl: “input_tokens” is true, not a whole number of at least 0.",
    ),
    "half a millisecond": (
        [{**GOOD, "duration_ms": 1.5}],
        "Line 1 of work.jsonl: “duration_ms” is 1.5, not a whole number of at least 0.",
    ),
    "a time that is none": (
        [{**GOOD, "datetime_utc": "yesterday"}],
        "Line 1 of work.jsonl: “datetime_utc” is the string “yesterday”, not a time such as 2026-09-01T08:00:00+00:00.",
    ),
    "an answer under another name": (
        [{"prompt": "Q", "completion": "A"}],
        "Line 1 of work.jsonl has an unknown field “completion”.",
    ),
    "a name that writes to the terminal": (
        [{**GOOD, "\x1b]0;x\x07": 1}],
        "Line 1 of work.jsonl has an unknown field “␛]0;x␇”.",
    ),
    "turns that are none": ([{"turns": 3}], "Line 1 of work.jsonl: “turns” is 3, not a list."),
    "no turn": ([{"turns": []}], "Line 1 of work.jsonl is an exchange without turns."),
    "a turn that is none": ([{"turns": ["x"]}], "Line 1 of work.jsonl, turn 1 is the string “x”, not an object."),
    "exchanges out of order": (
        [{"exchange": 2, "turns": [TURN]}, {"exchange": 2, "turns": [TURN]}],
        "Line 2 of work.jsonl is exchange 2, but it comes after exchange 2.",
    ),
    "a role nobody has": (
        [turn(input=[{"role": "system", "parts": []}])],
        "Line 1 of work.jsonl, turn 1, input message 1: “role” is the string “system”, not one of user, tool.",
    ),
    "a part without a type": (
        [part(text="x")],
        "Line 1 of work.jsonl, turn 1, input message 1, part 1 has no “type”, which must be a string.",
    ),
    "a part of a type nobody knows": (
        [part(type="video")],
        (
            "Line 1 of work.jsonl, turn 1, input message 1, part 1: “type” is the string “video”, not one of text,"
            " reasoning, tool_call, tool_result, attachment."
        ),
    ),
    "a text part without text": (
        [part(type="text")],
        "Line 1 of work.jsonl, turn 1, input message 1, part 1 has no “text”, which must be a string.",
    ),
    "a tool result without output": (
        [part("tool", type="tool_result", name="look")],
        "Line 1 of work.jsonl, turn 1, input message 1, part 1 has no “output”, which must be a string.",
    ),
    "bytes that are no base64": (
        [attached(content="?")],
        "Line 1 of work.jsonl, turn 1, input message 1, part 1, attachment: “content” is not base64 (",
    ),
    "a path and nothing else": (
        [attached(path="/etc/passwd")],
        (
            "Line 1 of work.jsonl, turn 1, input message 1, part 1, attachment has a “path” but neither “content”"
            " (base64) nor the “id” of its bytes."
        ),
    ),
    "a fragment of nothing": (
        [turn(fragments=[{"source": "x"}])],
        "Line 1 of work.jsonl, turn 1, fragment 1 has no “content”, which must be a string.",
    ),
    "a fragment of no side": (
        [turn(fragments=[{"content": "x", "of": "reply"}])],
        "Line 1 of work.jsonl, turn 1, fragment 1: “of” is the string “reply”, not one of prompt, system.",
    ),
    "a tool without a name": (
        [turn(tools=[{}])],
        "Line 1 of work.jsonl, turn 1, tool 1 has no “name”, which must be a string.",
    ),
    "a context without a block": (
        [turn(context={"base": 1, "estimate": 1})],
        "Line 1 of work.jsonl, turn 1, context has no “block”, which must be a number.",
    ),
    "a block that was never described": (
        [turn(context={"block": 7, "base": 1, "estimate": 1})],
        "Line 1 of work.jsonl belongs to block 7, which no earlier line describes.",
    ),
    "a base that is not a number": (
        ['{"turns": [{"input": [], "output": [], "context": {"block": 1, "base": "1", "estimate": 1}}]}'],
        "Line 1 of work.jsonl, turn 1, context: “base” is the string “1”, not a number.",
    ),
    "two snapshots with one label": (
        [{**HEADER, "snapshots": [{"label": "a"}, {"label": "A"}]}, GOOD],
        "Line 1 of work.jsonl has two snapshots with the same label.",
    ),
    "a snapshot with a number as its label": (
        [{**HEADER, "snapshots": [{"label": "3"}]}, GOOD],
        "Line 1 of work.jsonl, snapshot 1: “label” is the string “3”, not a label that is not a number.",
    ),
    "a turn before the first": (
        [turn(context={"block": 1, "base": 1, "estimate": 1, "after": [0, 1]})],
        "Line 1 of work.jsonl, turn 1, context: “after” is a list, not an exchange's number, or [exchange, turn].",
    ),
    "an attempt that is none": (
        [{"attempt": "x"}],
        "Line 1 of work.jsonl: “attempt” is the string “x”, not an object.",
    ),
    "an attempt without a prompt": (
        [{"attempt": {"error": "x"}}],
        "Line 1 of work.jsonl, attempt has no “prompt”, which must be a string.",
    ),
}


UNKNOWN: dict[str, Any] = {
    "": {**HEADER, "x": 1},
    ", note 1": {**HEADER, "notes": [{"text": "a", "x": 1}]},
    ", summary 1": {**HEADER, "summaries": [{"text": "a", "x": 1}]},
    ", snapshot 1": {**HEADER, "snapshots": [{"label": "a", "x": 1}]},
    ", snapshot 1, settings": {**HEADER, "snapshots": [{"label": "a", "settings": {"x": 1}}]},
    ", snapshot 1, pin 1": {**HEADER, "snapshots": [{"label": "a", "pins": [{"x": 1}]}]},
    ", rating": {**GOOD, "rating": {"mark": "up", "x": 1}},
    ", bookmark": {**GOOD, "bookmark": {"label": "a", "x": 1}},
    ", turn 1": turn(x=1),
    ", turn 1, input message 1": turn(input=[{"role": "user", "parts": [], "x": 1}]),
    ", turn 1, input message 1, part 1": part(type="text", text="a", x=1),
    ", turn 1, input message 1, part 1, attachment": attached(url="https://e.com", x=1),
    ", turn 1, fragment 1": turn(fragments=[{"content": "a", "x": 1}]),
    ", turn 1, tool 1": turn(tools=[{"name": "a", "x": 1}]),
    ", turn 1, context": turn(context={"block": 1, "base": 1, "estimate": 1, "x": 1}),
    ", attempt": {"attempt": {"prompt": "a", "x": 1}},
}


def refused(log: Path, *lines: Any) -> str:
    """Import a file that must be refused and return the message. The log must be unchanged, byte for byte."""
    before = log.read_bytes()
    with pytest.raises(FileRefused) as caught:
        import_lines(log, lines)
    assert log.read_bytes() == before
    assert caught.value.outcome == "Nothing was imported."
    return caught.value.message


@pytest.mark.parametrize(("text", "sentence"), TEXTS.values(), ids=TEXTS)
def test_text_that_is_not_jsonl_is_refused(fresh: Path, text: str, sentence: str) -> None:
    """Text that is not one JSON object per line is refused with the line and the reason."""
    assert refused(fresh, *text.splitlines()).startswith(sentence)


@pytest.mark.parametrize(("lines", "sentence"), LINES.values(), ids=LINES)
def test_wrong_fields_are_refused(fresh: Path, lines: list[Any], sentence: str) -> None:
    """A wrong field is refused with its place, what it is, and what it must be."""
    assert refused(fresh, *lines).startswith(sentence)


@pytest.mark.parametrize("place", UNKNOWN)
def test_an_unknown_field_is_named(fresh: Path, place: str) -> None:
    """Nothing in a file is dropped silently: an unknown field is refused, with its place and its name."""
    assert refused(fresh, UNKNOWN[place]) == f"Line 1 of work.jsonl{place} has an unknown field “x”."


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_says_so(llm_: Command, log: Path, tmp_path: Path, encoding: str) -> None:
    """A file in UTF-16, as some Windows editors save it, is recognised, and the error says what to do."""
    (tmp_path / "work.jsonl").write_bytes(json.dumps(GOOD).encode(encoding))
    done = llm_("sessions", "import", str(tmp_path / "work.jsonl"))
    assert done.err == (
        "Error: Line 1 of work.jsonl is UTF-16 text, not UTF-8. Nothing was imported. Save the file as UTF-8, for"
        " example with: iconv -f UTF-16 -t UTF-8 FILE\n"
    )
    assert not log.exists()


def test_what_to_do_with_a_pretty_printed_file(llm_: Command, tmp_path: Path) -> None:
    """JSON over many lines is distinguished from a file that was cut off, and the error says how to convert it."""
    (tmp_path / "work.json").write_text(json.dumps(GOOD, indent=2))
    done = llm_("sessions", "import", str(tmp_path / "work.json"))
    assert done.err.endswith("Nothing was imported. Put each object on one line, for example with: jq -c . FILE\n")


@pytest.mark.parametrize("place", [1, 2, 500, 1_001])
def test_a_line_that_fails_half_way_leaves_nothing_behind(fresh: Path, place: int) -> None:
    """Wherever an import fails, the log is unchanged, even after pages were written to disk."""
    lines: list[Any] = [{**GOOD, "response": "word " * 600}] * 1_000
    lines.insert(place - 1, {"prompt": None})
    assert refused(fresh, *lines).startswith(f"Line {place:,} of work.jsonl has no “prompt”")


def test_binary_files_are_refused(llm_: Command, log: Path, tmp_path: Path) -> None:
    """A photo given by mistake is refused without reading all of it, and no log is created for it."""
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 800)
    done = llm_("sessions", "import", str(tmp_path / "photo.jpg"))
    assert (done.out, done.code) == ("", 1)
    assert done.err == (
        "Error: Line 1 of photo.jpg is not a JSON object: it starts with bytes that are not text."
        " Convert it to JSONL, which is one JSON object per line. Nothing was imported.\n"
    )
    assert not log.exists()


def test_text_that_is_not_utf_8_is_refused(llm_: Command, tmp_path: Path) -> None:
    """Latin-1 is refused with the position of the first byte that is not UTF-8."""
    (tmp_path / "latin.jsonl").write_bytes('{"prompt": "Größe"}\n'.encode("latin-1"))
    done = llm_("sessions", "import", str(tmp_path / "latin.jsonl"))
    assert done.err == (
        "Error: Line 1 of latin.jsonl is not UTF-8 text (byte 15 of the line)."
        " Correct the file, then try again. Nothing was imported.\n"
    )


def test_texts_are_not_counted_as_json(fresh: Path) -> None:
    """A line may have long texts, with quotes and backslashes in them."""
    long = 'say "{[\\"\\' * 500_000
    import_lines(fresh, [{"prompt": long, "response": "Noted."}])
    with Memory(fresh) as memory:
        assert memory.sessions.exchanges("work")[0].prompt == long


def test_a_line_without_end_is_refused_before_it_is_read(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line has a greatest length, so that a file can't fill the memory."""
    monkeypatch.setattr(lines, "LONGEST", 1_000_000)
    endless = io.BytesIO(b'{"prompt": "' + b"x" * 5_000_000)
    with Memory(fresh) as memory, pytest.raises(FileRefused, match="Line 1 of work.jsonl is longer than 1 MB."):
        importing.read(memory, endless, "work", "work.jsonl")
    assert endless.tell() < 1_100_000


def test_a_line_of_50_mb_is_a_line(fresh: Path) -> None:
    """A long line is read whatever is in it. If it is refused, then for its content."""
    long = "x" * 25_000_000
    message = refused(fresh, {"prompt": long, "input_tokens": long})
    assert message.startswith("Line 1 of work.jsonl: “input_tokens” is the string “xxx")
    assert len(message) < 200


def test_what_was_cut_off_says_so(fresh: Path) -> None:
    """If the last line is incomplete, the error asks whether the file was cut off."""
    assert refused(fresh, GOOD, json.dumps(GOOD)[:-5]).endswith("Was the file cut off there?")

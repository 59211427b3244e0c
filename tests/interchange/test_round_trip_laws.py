"""Laws of the round trip, over sessions that nobody thought of."""

from __future__ import annotations

import base64
import itertools
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from datasette_session_views.show.downloads import download
from llm_session_memory.memory import Memory
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from tests.interchange.world import content, copied, exported, import_lines
from tests.world.laws import tried


def says_something(value: Any) -> bool:
    """Return whether a value is not empty. A function, because Hypothesis would inspect a lambda of bool."""
    return value not in ("", [], {})


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NAMES = st.from_regex(r"[a-z]{1,8}_?[a-z]{0,4}", fullmatch=True)
COUNTS = st.integers(0, 2**53)
SCALARS = st.one_of(st.none(), st.booleans(), COUNTS, st.floats(allow_nan=False, allow_infinity=False), TEXT)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(
    TEXT.filter(says_something), VALUES.filter(lambda value: value is not None), min_size=1, max_size=3
)
TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "+00:00")
BYTES = st.binary(min_size=1, max_size=30)


def said(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for objects with any fields missing, and none empty."""
    return st.fixed_dictionaries({}, optional={name: value.filter(says_something) for name, value in fields.items()})


def joined(*objects: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for several objects merged into one."""
    return st.tuples(*objects).map(lambda parts: {key: value for part in parts for key, value in part.items()})


ATTACHMENTS = st.one_of(
    st.fixed_dictionaries({"type": st.just("image/png"), "content": BYTES.map(lambda b: base64.b64encode(b).decode())}),
    st.fixed_dictionaries({"type": st.just("text/plain"), "url": TEXT.map(lambda text: f"https://example.com/{text}")}),
)
META = said(provider_metadata=OBJECTS)
CALLED = said(tool_call_id=TEXT, server_executed=st.just(value=True))


def part(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return joined(st.fixed_dictionaries({"type": st.just(type_), **fields}), META)


TEXTS = part("text", text=TEXT)
REASONING = joined(part("reasoning", text=TEXT), said(redacted=st.just(value=True)))
CALLS = joined(part("tool_call", name=NAMES, arguments=OBJECTS), CALLED)
RESULTS = joined(
    part("tool_result", name=NAMES, output=TEXT),
    CALLED,
    st.fixed_dictionaries({}, optional={"exception": TEXT}),
    said(attachments=st.lists(ATTACHMENTS, max_size=2)),
)
ATTACHED = joined(part("attachment"), st.fixed_dictionaries({}, optional={"attachment": ATTACHMENTS}))


def message(role: str, parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return joined(
        st.fixed_dictionaries({"role": st.just(role), "parts": st.lists(parts, min_size=1, max_size=3)}), META
    )


ASKED = st.lists(message("user", TEXTS | ATTACHED), min_size=1, max_size=2)
ANSWERED = st.lists(message("tool", RESULTS), min_size=1, max_size=2)
SAID = st.lists(message("assistant", TEXTS | REASONING | CALLS), max_size=2)
FRAGMENTS = joined(
    st.fixed_dictionaries({"content": TEXT.filter(says_something)}),
    said(of=st.sampled_from(["prompt", "system"]), source=TEXT),
).map(lambda fragment: {"of": "prompt", **fragment})
TOOLS = joined(
    st.fixed_dictionaries({"name": NAMES, "input_schema": OBJECTS}),
    said(description=TEXT, plugin=NAMES),
    st.fixed_dictionaries({}, optional={"arguments": OBJECTS}),
)


FRAGMENT_LISTS = st.lists(FRAGMENTS, max_size=2, unique_by=lambda fragment: fragment["content"])
TOOL_LISTS = st.lists(TOOLS, max_size=2, unique_by=lambda tool: str(tool["name"]))
TURN = said(
    system=TEXT,
    resolved_model=NAMES,
    datetime_utc=TIMES,
    options=OBJECTS,
    schema=OBJECTS,
    token_details=OBJECTS,
    response_json=OBJECTS,
)
COUNTED = st.fixed_dictionaries({}, optional={"duration_ms": COUNTS, "input_tokens": COUNTS, "output_tokens": COUNTS})
FIRST, LATER = (
    joined(st.fixed_dictionaries({"input": given_, "output": SAID, "model": NAMES}), TURN, COUNTED)
    for given_ in (ASKED, ANSWERED)
)
"""Turns without fragments and tools. (Making a strategy takes long, so none is made for each example.)"""


@st.composite
def turns(draw: st.DrawFn, *, first: bool) -> dict[str, Any]:
    """Return a turn as an export writes it."""
    turn = draw(FIRST if first else LATER)
    fragments = draw(FRAGMENT_LISTS)
    fragments.sort(key=lambda fragment: str(fragment["of"]))
    tools = draw(TOOL_LISTS)
    return {**turn, **({"fragments": fragments} if fragments else {}), **({"tools": tools} if tools else {})}


FIRST_TURN = turns(first=True)
LATER_TURNS = st.lists(turns(first=False), max_size=2)


@st.composite
def sessions(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return an export: a header, then exchanges with attempts among them."""
    lines: list[dict[str, Any]] = []
    blocks = itertools.count(1)
    block = 0
    for number in range(1, draw(st.integers(0, 4)) + 1):
        while draw(st.booleans()) and len(lines) < 8:
            lines.append({"attempt": draw(attempts(number))})
        line: dict[str, Any] = {"exchange": number}
        if draw(st.booleans()):
            line["pinned"] = draw(TIMES)
        line["turns"] = [draw(FIRST_TURN), *draw(LATER_TURNS)]
        for turn in line["turns"]:
            if draw(st.booleans()):
                new = not block or draw(st.booleans())
                block = next(blocks) if new else block
                turn["context"] = draw(contexts(number, block, new=new))
        lines.append(line)
    count = sum("exchange" in line for line in lines)
    for line in lines:
        if line.get("attempt", {}).get("answered_by", 0) > count:
            del line["attempt"]["answered_by"]
    return [{**draw(headers()), "exchanges": count}, *lines]


CONTEXTS = joined(
    st.fixed_dictionaries({"base": st.floats(0, 1e6), "estimate": COUNTS}),
    said(cut=st.sampled_from(["certain", "likely"]), number=st.integers(5, 9)),
)


@st.composite
def contexts(draw: st.DrawFn, number: int, block: int, *, new: bool) -> dict[str, Any]:
    made: dict[str, Any] = draw(CONTEXTS)
    if number > 1 and draw(st.booleans()):
        made["after"] = draw(st.integers(1, number - 1))
    if new:
        made["described"] = draw(blocks_of(number))
    return {"block": block, **made}


@cache
def blocks_of(number: int) -> st.SearchStrategy[dict[str, Any]]:
    numbers = st.integers(1, number)
    return joined(
        st.fixed_dictionaries({"policy": NAMES, "budget": COUNTS}),
        said(
            start=numbers,
            start_number=st.integers(5, 9),
            pinned=st.lists(numbers, unique=True, max_size=3),
            window_source=TEXT,
            front=NAMES,
            oversized=st.just(value=True),
            reason=TEXT,
            began_utc=TIMES,
        ),
        st.fixed_dictionaries({}, optional={"window": COUNTS, "clip": COUNTS}),
    )


@cache
def attempts(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return joined(
        st.fixed_dictionaries({"prompt": TEXT, "error": TEXT, "datetime_utc": TIMES}),
        said(model=NAMES, partial=TEXT, request=requests(), answered_by=st.integers(number, 4)),
        st.fixed_dictionaries({}, optional={"duration_ms": COUNTS}),
    )


@cache
def requests() -> st.SearchStrategy[dict[str, Any]]:
    return said(
        model=NAMES,
        system=TEXT,
        schema=OBJECTS,
        options=OBJECTS,
        tools=st.lists(NAMES, max_size=2),
        functions=st.lists(TEXT, max_size=2),
        fragments=st.lists(joined(st.fixed_dictionaries({"text": TEXT}), said(source=TEXT)), max_size=2),
        attachments=st.lists(ATTACHMENTS, max_size=2),
    )


@cache
def headers() -> st.SearchStrategy[dict[str, Any]]:
    note = st.fixed_dictionaries({"text": TEXT.filter(says_something), "author": NAMES, "created_utc": TIMES})
    return joined(
        st.fixed_dictionaries(
            {
                "format": st.just("llm-session"),
                "version": st.just(1),
                "name": st.just(""),
                "created_utc": TIMES,
                "exported_utc": st.just(""),
            }
        ),
        said(
            model=NAMES,
            system=TEXT,
            options=OBJECTS,
            max_context_tokens=COUNTS,
            memory=st.sampled_from(["window", "full"]),
            tags=st.lists(NAMES, unique=True, max_size=3).map(sorted),
            meta=st.dictionaries(NAMES, TEXT, max_size=2),
            notes=st.lists(note, max_size=2),
        ),
    )


LAW = tried(25, few=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


def canonical(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a file's lines as an export writes them: a turn has a system prompt if it differs from the session's."""
    system = lines[0].get("system")
    made = []
    for line in lines:
        turns_ = [dict(turn) for turn in line.get("turns", ())]
        for turn in turns_:
            if turn.get("system", "") == system:
                del turn["system"]
        made.append({**line, "turns": turns_} if turns_ else line)
    return made


@LAW
@given(lines=sessions())
def test_an_export_of_what_was_imported_is_what_was_imported(template: Path, lines: list[dict[str, Any]]) -> None:
    """Whatever an export can contain, an import keeps, and the next export has the same, word for word."""
    with tempfile.TemporaryDirectory() as folder:
        log = copied(template, Path(folder) / "logs.db")
        import_lines(log, [{**lines[0], "name": "work"}, *lines[1:]])
        assert content(log) == canonical(lines)


@LAW
@given(lines=sessions())
def test_the_second_round_changes_nothing(template: Path, lines: list[dict[str, Any]]) -> None:
    """After export, import under another name, and export, only name and time differ."""
    with tempfile.TemporaryDirectory() as folder:
        log = copied(template, Path(folder) / "logs.db")
        import_lines(log, lines)
        import_lines(log, exported(log).splitlines(), "again")
        assert content(log, "again") == content(log)


SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
SHORTENED: list[dict[str, Any]] = [
    {"format": "llm-session", "version": 1, "name": "", "created_utc": "2000-01-01T00:00:00+00:00", "exchanges": 1},
    {
        "exchange": 1,
        "turns": [
            {
                "input": [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}],
                "output": [],
                "model": "a",
                "schema": SCHEMA,
                "response_json": SCHEMA,
            }
        ],
    },
]
"""A session with a raw response that llm stores as a reference to the schema."""


@LAW
@example(lines=SHORTENED)
@given(lines=sessions())
def test_a_page_offers_what_is_exported(template: Path, lines: list[dict[str, Any]]) -> None:
    """A page's download, with all tables visible, is the session's export except for the time.

    It also lacks a raw response that llm stored in a shortened form, because only llm can expand it.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = copied(template, Path(folder) / "logs.db")
        import_lines(log, lines)
        with Memory(log) as memory:
            connection, thread = memory.desk.log.database.conn, memory.sessions.get("work").thread_id
            offered = download(Source(connection, present(connection), str(log)), thread, "jsonl", None, None)
            short = memory.desk.log.value("""select 1 from turns where response_json like '%"$"%'""")
        head, *rest = map(json.loads, offered.splitlines())
        found, wanted = [{**head, "name": "", "exported_utc": ""}, *rest], content(log)
        for turn in (turn for line in (*found, *wanted) for turn in line.get("turns", ()) if short):
            turn.pop("response_json", None)
        assert found == wanted

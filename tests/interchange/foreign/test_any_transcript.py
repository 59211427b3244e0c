"""Transcripts with anything in any place: each is read or refused with a sentence, and nothing else happens."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.interchange.foreign import claude_code, codex, gemini_cli, gptme, shell_gpt
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import Format, Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign import test_claude_code as claude
from tests.interchange.foreign import test_codex as rollout
from tests.interchange.foreign import test_gemini_cli as gemini
from tests.interchange.foreign import test_plain_talk as plain
from tests.interchange.foreign.test_gptme import message
from tests.world.laws import tried

CLAUDE = [
    claude.user("u1", None, [claude.text("How long?"), claude.picture()]),
    claude.answer(
        "a1", "u1", [claude.use("t1", "Read", path="x")], id="m", usage={"input_tokens": 1, "output_tokens": 2}
    ),
    claude.user("r1", "a1", [claude.result("t1", [claude.text("2.3 km"), claude.picture()])]),
    claude.answer("a2", "r1", [{"type": "thinking", "thinking": "Hm."}, claude.text("2.3 km.")]),
    {"type": "system", "subtype": "compact_boundary", "uuid": "b", "parentUuid": None, "logicalParentUuid": "a2"},
    {"type": "custom-title", "customTitle": "Bridge", "sessionId": "s"},
]
CODEX = [
    rollout.meta(git={"branch": "main"}, source={"subagent": "review"}),
    rollout.turn("t1"),
    rollout.message("user", "How long?"),
    rollout.event("user_message", message="How long?"),
    rollout.item("reasoning", summary=[{"type": "summary_text", "text": "Hm."}], content=[]),
    rollout.item("function_call", name="ls", arguments="{}", call_id="c1"),
    rollout.tokens(1, 2),
    rollout.item("function_call_output", call_id="c1", output={"content": "2.3 km", "success": True}),
    rollout.event("thread_rolled_back", num_turns=1),
    rollout.message("assistant", "2.3 km."),
]
GEMINI = [gemini.FACTS, *gemini.TALK, {"$set": {"summary": "Bridge", "messages": gemini.TALK}}, {"$rewindTo": "g2"}]
GPTME = [
    message("system", "You are gptme.", 0),
    message("user", "How long?", 1, files=["a.png"], file_hashes={"a.png": "00" * 8}),
    message("assistant", '@ls(c): {"a": 1}', 2, metadata={"usage": {"input_tokens": 1}, "timings": {"gen_ms": 1.5}}),
    message("system", "2.3 km", 3, call_id="c"),
]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "\0", "\ud800", "2026-99-99", "[" * 50]),
    st.just([]),
    st.just({}),
    st.just([None, 1, "x", [], {"type": "text"}, {"text": 3}]),
    st.just({"type": [], "id": {}, "text": 1, "content": [[]], "functionResponse": 5}),
)


@pytest.mark.parametrize(
    ("format_", "records"),
    [
        pytest.param(claude_code.FORMAT, CLAUDE, id="Claude Code"),
        pytest.param(codex.FORMAT, CODEX, id="Codex"),
        pytest.param(gemini_cli.FORMAT, GEMINI, id="Gemini CLI"),
        pytest.param(gptme.FORMAT, GPTME, id="gptme"),
        pytest.param(shell_gpt.FORMAT, plain.CHAT, id="shell_gpt"),
    ],
)
@tried(400, few=40)
@given(data=st.data())
def test_a_value_in_any_place_is_read_or_refused(
    format_: Format, records: list[Any], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is in whatever place, reading ends with conversations or with a sentence."""
    changed = copy.deepcopy(records)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, place = data.draw(st.sampled_from([*_places(changed)]))
        holder[place] = copy.deepcopy(data.draw(ANYTHING))
    path = tmp_path_factory.mktemp("any") / "file.jsonl"
    whole = json.dumps(changed) if format_ is shell_gpt.FORMAT else "\n".join(map(json.dumps, changed))
    path.write_text(whole, encoding="utf-8")
    source = SourceFile(path)
    if not format_.recognises(source):
        return
    try:
        for conversation in format_.conversations(source, Losses()):
            assert conversation.key
            for exchange in conversation.exchanges:
                assert exchange.turns
                assert all(
                    isinstance(part.data["type"], str)
                    for turn in exchange.turns
                    for m in turn.output
                    for part in m.parts
                )
    except FileRefused:
        pass


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place of a JSON value, as what holds it and its key."""
    keys = [*value] if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    for key in keys:
        yield value, key
        yield from _places(value[key])

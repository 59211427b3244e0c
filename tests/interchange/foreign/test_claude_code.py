"""Claude Code's transcripts: messages of several records, tools, branches, compactions, subagents, resumed sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.interchange.foreign.claude_code import FORMAT
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.interchange.foreign.values import Losses
from llm_session_memory.interchange.lines import FileRefused
from tests.interchange.foreign.files import PIXEL, lines, of_turn, read, said

SESSION = "5f0c7a52-0000-4000-8000-000000000001"


def user(uuid: str, parent: str | None, content: Any, second: int = 0, **more: Any) -> dict[str, Any]:
    return record("user", uuid, parent, {"role": "user", "content": content}, second, **more)


def answer(uuid: str, parent: str, blocks: list[dict[str, Any]], second: int = 0, **more: Any) -> dict[str, Any]:
    id_, usage = more.pop("id", f"msg_{uuid}"), more.pop("usage", None)
    message = {"id": id_, "type": "message", "role": "assistant", "model": "claude-heron-5", "content": blocks}
    return record("assistant", uuid, parent, {**message, **({"usage": usage} if usage else {})}, second, **more)


def record(
    kind: str, uuid: str, parent: str | None, message: dict[str, Any], second: int, **more: Any
) -> dict[str, Any]:
    return {
        "parentUuid": parent,
        "isSidechain": False,
        "userType": "external",
        "cwd": "/home/ada/bridge",
        "sessionId": SESSION,
        "version": "2.1.9",
        "gitBranch": "main",
        "type": kind,
        "message": message,
        "uuid": uuid,
        "timestamp": f"2026-08-01T10:00:{second:02}.000Z",
        **more,
    }


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def use(id_: str, name: str, **given: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name, "input": given}


def result(id_: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": id_, "content": content, **more}


def test_a_session_has_its_prompts_thoughts_calls_results_tokens_and_folder(tmp_path: Path) -> None:
    """One answer of the server is one turn, whatever number of records it has; its tokens are counted once."""
    usage = {"input_tokens": 10, "cache_read_input_tokens": 900, "cache_creation_input_tokens": 90, "output_tokens": 40}
    path = lines(
        tmp_path / f"{SESSION}.jsonl",
        [
            {"type": "summary", "summary": "A bridge", "leafUuid": "a3"},
            {"type": "file-history-snapshot", "messageId": "u1", "snapshot": {}, "isSnapshotUpdate": False},
            user("u1", None, "How long is it?", 1),
            answer(
                "a1",
                "u1",
                [{"type": "thinking", "thinking": "Look it up.", "signature": "c2ln"}],
                2,
                id="m1",
                usage=usage,
            ),
            answer("a2", "a1", [text("I look."), use("t1", "Read", file_path="plan.md")], 3, id="m1", usage=usage),
            answer("a2b", "a2", [use("t2", "Bash", command="ls")], 3, id="m1", usage=usage),
            user("r1", "a2", [result("t1", [text("2.3 km"), picture()])], 4, toolUseResult={"file": "plan.md"}),
            user("r2", "a2b", [result("t2", "no such file", is_error=True)], 5),
            answer("a3", "r2", [text("2.3 km.")], 8, usage={"input_tokens": 5, "output_tokens": 6}),
            {"type": "ai-title", "aiTitle": "Length of the bridge", "sessionId": SESSION},
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert (found.key, found.name, found.project, found.model) == (
        SESSION,
        "Length of the bridge",
        "bridge",
        "claude-heron-5",
    )
    assert found.meta == {"directory": "/home/ada/bridge", "branch": "main", "version": "2.1.9"}
    (exchange,) = found.exchanges
    first, second = exchange.turns
    assert of_turn(first) == [
        "user: How long is it?",
        "assistant thinks: Look it up.",
        "assistant: I look.",
        'assistant calls Read {"file_path": "plan.md"}',
        'assistant calls Bash {"command": "ls"}',
    ]
    assert of_turn(second) == [
        "tool Read: 2.3 km [image/png]",
        "tool Bash: no such file (error)",
        "assistant: 2.3 km.",
    ]
    assert (first.input_tokens, first.output_tokens, first.duration_ms) == (1000, 40, 2000)
    assert first.token_details == {"cache_read_input_tokens": 900, "cache_creation_input_tokens": 90}
    assert (second.input_tokens, second.datetime_utc, second.duration_ms) == (5, "2026-08-01T10:00:05.000Z", 3000)
    assert losses.counts == {
        "a record of the kind file-history-snapshot": 1,
        "what Claude Code noted for itself about the result of a tool (toolUseResult)": 1,
    }


def picture() -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}


def test_a_title_of_another_session_is_not_taken(tmp_path: Path) -> None:
    """Claude Code once wrote the titles of all sessions into the newest one; the person's own title counts most."""
    talk = [user("u1", None, "Hello."), answer("a1", "u1", [text("Hi.")])]
    other, own = (
        {"type": "summary", "summary": name, "leafUuid": leaf} for name, leaf in (("Other", "x"), ("Own", "a1"))
    )
    given = {"type": "custom-title", "customTitle": "Given", "sessionId": SESSION}
    names = []
    for number, records in enumerate(([other, *talk], [own, other, *talk], [own, *talk, given])):
        (found,), losses = read(FORMAT, lines(tmp_path / f"{number}.jsonl", records))
        names.append((found.name, losses.counts["the title of another session (summary)"]))
    assert names == [(None, 1), ("Own", 1), ("Given", 0)]


def test_an_earlier_prompt_that_was_changed_is_a_branch(tmp_path: Path) -> None:
    """The way to the newest prompt is the session; what was left behind shares its beginning."""
    path = lines(
        tmp_path / "s.jsonl",
        [
            user("u1", None, "Name a river."),
            answer("a1", "u1", [text("Tagus.")]),
            user("u2", "a1", "And a lake?"),
            answer("a2", "u2", [text("Como.")]),
            user("u3", "a1", "And a hill?"),
            user("u4", "a1", "And a sea?"),
            answer("a4", "u4", [text("Baltic.")]),
        ],
    )
    (main, branch), losses = read(FORMAT, path)
    assert [said(one)[0] for one in main.exchanges] == ["user: Name a river.", "user: And a sea?"]
    assert [said(one) for one in branch.exchanges] == [["user: And a lake?", "assistant: Como."]]
    assert branch.forked_from == (SESSION, "u1")
    assert losses.counts == {"a prompt that was taken back before it was answered": 1}


def test_a_compaction_does_not_end_a_session(tmp_path: Path) -> None:
    """What was said before a compaction is before what is said after it; the summary is nobody's prompt."""
    boundary = {
        "type": "system",
        "subtype": "compact_boundary",
        "uuid": "b",
        "parentUuid": None,
        "logicalParentUuid": "a1",
        "sessionId": SESSION,
    }
    path = lines(
        tmp_path / "s.jsonl",
        [
            user("u1", None, "Begin."),
            answer("a1", "u1", [text("Begun.")]),
            boundary,
            user("c", "b", "This session is being continued …", isCompactSummary=True, isVisibleInTranscriptOnly=True),
            user("u2", "c", "Go on."),
            answer("a2", "u2", [text("Gone.")]),
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert [said(one)[0] for one in found.exchanges] == ["user: Begin.", "user: Go on."]
    assert losses.counts["a summary that a compaction made"] == 1


def test_what_claude_code_writes_as_a_prompt_is_none(tmp_path: Path) -> None:
    """A command that the model answered is a prompt, with the text that it stands for; other commands are not."""
    command = "<command-message>{0} is running…</command-message>\n<command-name>/{0}</command-name>"
    command += "\n<command-args>{1}</command-args>"
    path = lines(
        tmp_path / "s.jsonl",
        [
            user("m", None, "Caveat: …", isMeta=True),
            user("c1", "m", command.format("clear", "")),
            user("o1", "c1", "<local-command-stdout></local-command-stdout>"),
            user("c2", "o1", command.format("review", "bridge.py")),
            user("m2", "c2", [text("Review a file with care.")], isMeta=True),
            answer("a", "m2", [text("It holds.")]),
            user("i", "a", [text("[Request interrupted by user]")]),
            answer("e", "i", [text("API Error: 500")], isApiErrorMessage=True),
            user("n", "e", "<task-notification>done</task-notification>"),
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert [said(one) for one in found.exchanges] == [
        ["user: /review bridge.py", "user: \n\n", "user: Review a file with care.", "assistant: It holds."]
    ]
    assert losses.counts == {
        "a message that Claude Code added (isMeta)": 1,
        "a shell command, its output, or a notice, written as a prompt": 2,
        "a note that the person interrupted the model": 1,
        "an error message in the place of an answer": 1,
        "a command of Claude Code itself, such as /clear": 1,
    }


def test_a_prompt_that_was_typed_while_the_model_worked_is_a_prompt(tmp_path: Path) -> None:
    """It is in no message, only in a record of the queue; a notice in the queue is none."""
    typed = {"type": "queued_command", "commandMode": "prompt", "prompt": "And the tests."}
    notice = {"type": "queued_command", "commandMode": "task-notification", "prompt": "<task-notification>…"}
    path = lines(
        tmp_path / "s.jsonl",
        [
            user("u1", None, "Check it."),
            answer("a1", "u1", [use("t1", "Bash", command="ls")]),
            user("r1", "a1", [result("t1", "two files")]),
            {"type": "attachment", "uuid": "q1", "parentUuid": "r1", "sessionId": SESSION, "attachment": typed},
            {"type": "attachment", "uuid": "q2", "parentUuid": "q1", "sessionId": SESSION, "attachment": notice},
            answer("a2", "q2", [text("Both hold.")]),
        ],
    )
    (found,), losses = read(FORMAT, path)
    assert [said(one) for one in found.exchanges] == [
        ["user: Check it.", 'assistant calls Bash {"command": "ls"}', "tool Bash: two files"],
        ["user: And the tests.", "assistant: Both hold."],
    ]
    assert losses.counts == {"a record of the kind attachment": 1}


def test_subagents_are_sessions_that_are_put_away(tmp_path: Path) -> None:
    """A subagent's transcript is read with its session's, from its own file or from among the session's records."""
    whole = [user("u1", None, "Look around."), answer("a1", "u1", [text("Done.")])]
    side = [
        user("s1", None, "Find files.", isSidechain=True, agentId="f00"),
        answer("s2", "s1", [text("Two files.")], isSidechain=True, agentId="f00"),
    ]
    apart = lines(tmp_path / "apart" / f"{SESSION}.jsonl", whole)
    lines(tmp_path / "apart" / SESSION / "subagents" / "agent-f00.jsonl", side)
    together = lines(tmp_path / "together.jsonl", [whole[0], *side, whole[1]])
    for path in (apart, together):
        (main, sub), _ = read(FORMAT, path)
        assert [said(one) for one in main.exchanges] == [["user: Look around.", "assistant: Done."]]
        assert [said(one) for one in sub.exchanges] == [["user: Find files.", "assistant: Two files."]]
        assert (sub.key, sub.tags, sub.archived) == (f"{SESSION} f00", ("subagent",), True)


def test_a_session_that_was_resumed_in_another_file_is_a_branch_of_it(tmp_path: Path) -> None:
    """A folder of projects is read whole; records that two files have are one exchange."""
    first = [user("u1", None, "Begin."), answer("a1", "u1", [text("Begun.")])]
    resumed = [{**one, "sessionId": "other"} for one in first]
    more = [user("u2", "a1", "Go on.", sessionId="other"), answer("a2", "u2", [text("Gone.")], sessionId="other")]
    folder = tmp_path / "projects"
    lines(folder / "-home-ada-bridge" / "1.jsonl", first)
    lines(folder / "-home-ada-bridge" / "2.jsonl", [*resumed, *more])
    lines(folder / "-home-ada-bridge" / "other.jsonl", [{"some": "thing"}])
    (one, two), losses = read(FORMAT, folder)
    assert (one.key, two.key, two.forked_from) == (SESSION, "other", (SESSION, "u1"))
    assert [said(each) for each in two.exchanges] == [["user: Go on.", "assistant: Gone."]]
    assert losses.counts == {"a file that is not a transcript": 1}


def test_damaged_lines_and_unknown_fields_are_counted(tmp_path: Path) -> None:
    """A transcript that was cut off while it was written is read up to there, and nothing is dropped silently."""
    path = lines(
        tmp_path / "s.jsonl",
        [user("u1", None, [text("Hello."), {"type": "hologram"}], moodRing=3), answer("a1", "u1", [text("Hi.")])],
    )
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + '{"type":"user","uuid":"u2","message":{"content":"Al', encoding="utf-8")
    (found,), losses = read(FORMAT, path)
    assert [said(one) for one in found.exchanges] == [["user: Hello.", "assistant: Hi."]]
    assert losses.counts == {
        "a line that is damaged or cut off": 1,
        "the field moodRing of a record": 1,
        "a block of the kind hologram": 1,
    }
    assert losses.places["a line that is damaged or cut off"] == "line 3 of s.jsonl"


def test_a_transcript_that_begins_with_a_picture_is_recognised(tmp_path: Path) -> None:
    """Its first line is longer than what is looked at."""
    path = lines(tmp_path / "s.jsonl", [user("u1", None, [text("x" * 100_000)]), answer("a1", "u1", [text("Yes.")])])
    (found,), _ = read(FORMAT, path)
    assert len([*found.exchanges]) == 1


@pytest.mark.parametrize(
    "text_",
    [
        '{"messages":[{"role":"user","content":"hi"}]}\n',
        '{"format":"llm-session","version":1}\n',
        '{"type":"session_meta","payload":{"id":"x"}}\n',
        '{"sessionId":"x","projectHash":"y"}\n{"id":"1","type":"user","content":"hi"}\n',
        "not JSON\n",
        "",
    ],
)
def test_files_of_other_tools_are_not_recognised(tmp_path: Path, text_: str) -> None:
    """A file is known by its records, not by its name."""
    path = tmp_path / f"{SESSION}.jsonl"
    path.write_text(text_, encoding="utf-8")
    assert not FORMAT.recognises(SourceFile(path))


def test_a_transcript_without_a_prompt_is_refused(tmp_path: Path) -> None:
    """A transcript of a session in which nobody said anything has nothing to import."""
    path = lines(tmp_path / "s.jsonl", [{"type": "summary", "summary": "Nothing", "leafUuid": "x"}])
    with pytest.raises(FileRefused, match=r"There is no prompt in s\.jsonl"):
        [*FORMAT.conversations(SourceFile(path), Losses())]

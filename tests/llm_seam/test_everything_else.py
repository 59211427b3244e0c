"""llm's other features work in a session as usual: pipes, attachments, fragments, tools, output."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import llm
import pytest

from tests.conftest import Command
from tests.world.scripted import Script

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
DOUBLE = 'def double(text: str) -> str:\n    "Say it twice."\n    return text * 2\n'
MUCH = 'def much(pages: int) -> str:\n    "Read pages."\n    return "".join(f"page {n}; " for n in range(pages))\n'


def call(name: str, **arguments: Any) -> str:
    """Return a prompt that makes llm-echo call a tool."""
    return json.dumps({"raw": "Calling.", "tool_calls": [{"name": name, "arguments": arguments}]})


def _shown(llm_: Command, name: str = "work") -> list[dict[str, Any]]:
    exchanges: list[dict[str, Any]] = json.loads(llm_("sessions", "show", name, "--json").ok().out)["exchanges"]
    return exchanges


# -- what goes in -----------------------------------------------------------


def test_a_pipe_comes_before_the_prompt(llm_: Command, script: Script) -> None:
    """Piped text becomes part of the prompt, as in plain llm, and of the session."""
    llm_("-m", "scripted", "--session", "work", "Summarise", input="The notes.\n").ok()
    llm_("--session", "work", input="Only a pipe.").ok()
    assert [text for role, text in script.texts() if role == "user"] == ["The notes.\n Summarise", "Only a pipe."]


def _attachments(script: Script, number: int) -> list[Any]:
    return [part.attachment for part in script.seen[-1][number].parts if hasattr(part, "attachment")]


@pytest.mark.parametrize(
    ("flags", "piped"),
    [
        pytest.param(("-a", "a.png"), b"", id="file"),
        pytest.param(("--at", "a.png", "image/png"), b"", id="file with type"),
        pytest.param(("--at", "-", "image/png"), PNG, id="pipe"),
    ],
)
@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
def test_an_old_attachment_is_restored(  # noqa: PLR0913  two tables of cases
    llm_: Command,
    script: Script,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: tuple[str, ...],
    piped: bytes,
    mode: tuple[str, ...],
) -> None:
    """An attachment of an earlier exchange is sent again, byte for byte, even when a new block begins."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(PNG)
    llm_("-m", "scripted", "--session", "work", "Look", *flags, *mode, input=piped).ok()
    for more in ((), ("-s", "Another block.")):
        llm_("--session", "work", "Again", *more, *mode).ok()
        (restored,) = _attachments(script, len(more) // 2)
        assert (restored.type, restored.content_bytes()) == ("image/png", PNG)


def test_a_lost_file_does_not_end_the_session(llm_: Command, script: Script, tmp_path: Path) -> None:
    """llm keeps only the path of an attached file. If the file is gone, a visible mark is sent instead."""
    (tmp_path / "a.png").write_bytes(PNG)
    llm_("-m", "scripted", "--session", "work", "Look", "-a", str(tmp_path / "a.png")).ok()
    (tmp_path / "a.png").unlink()
    for more in ((), ("-s", "Another block.")):
        llm_("--session", "work", "Again", *more).ok()
        asked = script.texts()[len(more) // 2]
        assert asked == ("user", f"Look[… image/png left out here: {(tmp_path / 'a.png').resolve()} is gone …]")
    assert "*Attachment: image/png, a.png*" in llm_("sessions", "show", "work").ok().out


def test_an_attached_link_stays_a_link(llm_: Command, script: Script) -> None:
    """An attachment by URL is sent again as the same URL; nothing is fetched."""
    url = "http://127.0.0.1:9/a.png"
    llm_("-m", "scripted", "--session", "work", "Look", "--at", url, "image/png").ok()
    llm_("--session", "work", "Again").ok()
    (restored,) = _attachments(script, 0)
    assert (restored.type, restored.url, restored.content) == ("image/png", url, None)


def test_a_fragment_is_sent_again_and_stored_once(
    llm_: Command, script: Script, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fragment of an earlier exchange is sent again in full, but its text is not stored again when a block begins."""
    text = "The paint of the bridge is red. " * 200
    (tmp_path / "notes.txt").write_text(text)
    llm_("-m", "scripted", "--session", "work", "About it", "-f", str(tmp_path / "notes.txt")).ok()
    (tmp_path / "notes.txt").unlink()
    for system in ("Be brief.", "Be kind.", "Be brief."):  # each begins a block, so the whole chain is stored again
        llm_("--session", "work", "-s", system, "More").ok()
        assert ("user", f"{text}\nAbout it") in script.texts()
    with sqlite3.connect(log) as database:
        assert database.execute("select count(*) from fragments").fetchone() == (1,)
        assert database.execute("select count(*) from messages").fetchone()[0] > 10
        assert database.execute("select coalesce(max(length(text)), 0) from parts").fetchone()[0] < 100
        assert database.execute("select max(length(payload)) from parts").fetchone()[0] < 200
    assert f"*Fragments: {tmp_path / 'notes.txt'}*" in llm_("sessions", "show", "work").ok().out


def test_a_fragment_with_an_alias_in_a_chat(llm_: Command, script: Script, tmp_path: Path) -> None:
    """Fragments given by -f or `!fragment` in a chat are sent with that prompt, and again with its exchange."""
    (tmp_path / "notes.txt").write_text("Red paint.")
    llm_("fragments", "set", "notes", str(tmp_path / "notes.txt")).ok()
    llm_("chat", "-m", "scripted", "--session", "work", "-f", "notes", input="One\n!fragment notes\nTwo\nquit\n").ok()
    users = [text for role, text in script.texts() if role == "user"]
    assert users[0] == "Red paint.\nOne"
    assert "Red paint." in users[1]


def test_a_system_fragment_is_the_sessions_system_prompt(llm_: Command, script: Script, tmp_path: Path) -> None:
    """--sf becomes part of a new session's system prompt. Given later, it applies to that prompt only."""
    (tmp_path / "rules.txt").write_text("Be brief.")
    (tmp_path / "others.txt").write_text("Be kind.")
    llm_("-m", "scripted", "--session", "work", "--sf", str(tmp_path / "rules.txt"), "One").ok()
    llm_("--session", "work", "Two").ok()
    llm_("--session", "work", "--sf", str(tmp_path / "others.txt"), "Three").ok()
    llm_("--session", "work", "Four").ok()
    assert script.systems == ["Be brief.", "Be brief.", "Be kind.", "Be brief."]
    assert [script.texts(n)[0] for n in range(4)] == [("system", text) for text in script.systems]


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
def test_a_schema_goes_with_its_prompt(llm_: Command, script: Script, mode: tuple[str, ...]) -> None:
    """--schema applies to that prompt only, and the reply is part of the session."""
    schemas: list[Any] = []

    def answer(prompt: Any) -> str:
        schemas.append(prompt.schema)
        return '{"days": 4}'

    script.replies = [answer]
    assert llm_("-m", "scripted", "--session", "work", "--schema", "days int", "One", *mode).ok().out == '{"days": 4}\n'
    llm_("--session", "work", "Two", *mode).ok()
    assert schemas[0]["properties"] == {"days": {"type": "integer"}}
    assert schemas[1] is None
    assert script.texts()[1] == ("assistant", '{"days": 4}')


# -- tools --------------------------------------------------------------------


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
def test_a_tool_loop_is_one_exchange(llm_: Command, script: Script, mode: tuple[str, ...]) -> None:
    """A prompt, its tool calls, their results and the final reply are one exchange, sent again unchanged."""
    llm_("-m", "echo", "--session", "work", "--functions", DOUBLE, call("double", text="ab"), *mode).ok()
    (exchange,) = _shown(llm_)
    assert [message["role"] for turn in exchange["turns"] for message in turn["messages"]] == [
        *("user", "assistant"),
        *("tool", "assistant"),
    ]
    llm_("-m", "scripted", "--session", "work", "And now?", *mode).ok()
    roles = [message.role for message in script.seen[-1]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    (result,) = script.seen[-1][2].parts
    (asked,) = [part for part in script.seen[-1][1].parts if hasattr(part, "arguments")]
    assert (result.name, result.output, result.tool_call_id) == ("double", "abab", asked.tool_call_id)


def test_tools_by_name_are_offered_again(llm_: Command, script: Script) -> None:
    """Tools given by name with the first prompt are offered again, as llm -c does. A later -T replaces them."""
    offered: list[list[str]] = []

    def answer(prompt: Any) -> str:
        offered.append([tool.name for tool in prompt.tools])
        return "Noted."

    script.replies = [answer]
    llm_("-m", "scripted", "--session", "work", "-T", "llm_version", "One").ok()
    llm_("--session", "work", "Two").ok()
    llm_("--session", "work", "-T", "llm_time", "Three").ok()
    llm_("--session", "work", "Four").ok()
    llm_("chat", "--session", "work", input="Five\nquit\n").ok()
    assert offered == [["llm_version"], ["llm_version"], ["llm_time"], ["llm_version"], ["llm_version"]]


def test_a_chat_with_tools(llm_: Command, script: Script) -> None:
    """In a chat, each prompt with its tool calls is one exchange."""
    lines = [call("llm_version"), call("double", text="ab"), "quit"]
    done = llm_(
        *("chat", "-m", "echo", "--session", "work", "-T", "llm_version", "--functions", DOUBLE), input="\n".join(lines)
    ).ok()
    assert '"output": "abab"' in done.out
    assert [len(exchange["turns"]) for exchange in _shown(llm_)] == [2, 2]


def _history_of(script: Script) -> list[tuple[str, str]]:
    """Return each prompt and answer that a plugin that reads messages sees before the new prompt."""
    found: list[tuple[str, str]] = []
    asked = ""
    for role, text in script.texts()[:-1]:
        if role == "user":
            asked = text
        elif role == "assistant":
            found.append((asked, text))
            asked = ""
    return found


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
@pytest.mark.parametrize("budget", ["64000", "400"])
def test_older_plugins_see_the_same_history(llm_: Command, script: Script, mode: tuple[str, ...], budget: str) -> None:
    """Plugins that read conversation.responses see the same exchanges as prompt.messages has, including tool loops."""
    llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", "--max-context-tokens", budget, "One", *mode).ok()
    llm_("-m", "echo", "--session", "work", "--functions", DOUBLE, call("double", text="ab"), *mode).ok()
    for number in range(6):
        llm_("--session", "work", f"Number {number}. " + "A few more words. " * 10, *mode).ok()
        assert script.previous[-1] == _history_of(script)
    assert (len(script.previous[-1]) < 6) == (budget == "400")


def test_older_plugins_see_the_same_history_in_a_chat(llm_: Command, script: Script) -> None:
    """They also see the same in a chat, at each of its prompts."""
    lines = [f"Line {number}. " + "A few more words. " * 10 for number in range(8)]
    llm_(
        "chat", "-m", "scripted", "--session", "work", "--max-context-tokens", "300", input="\n".join([*lines, "quit"])
    ).ok()
    for number in range(8):
        texts = script.texts(number)[:-1]
        assert script.previous[number] == list(
            zip([t for r, t in texts if r == "user"], [t for r, t in texts if r == "assistant"], strict=True)
        )
    assert len(script.previous[-1]) < 7


def _last_round(output: str) -> dict[str, Any]:
    """Return llm-echo's reply in the last round of a tool loop: it prints what it sees, as an older plugin would."""
    found: dict[str, Any] = json.loads(output[output.rindex('{\n  "prompt"') :])
    return found


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
def test_a_tool_result_over_the_budget_is_cut_and_kept_whole(
    llm_: Command, script: Script, mode: tuple[str, ...]
) -> None:
    """A tool result that would exceed the budget is cut with a visible mark. `show` prints all of it."""
    llm_("-m", "scripted", "--session", "work", "--max-context-tokens", "500", "One").ok()
    done = llm_("-m", "echo", "--session", "work", "--functions", MUCH, call("much", pages=800), *mode).ok()
    whole = "".join(f"page {n}; " for n in range(800))
    sent = _last_round(done.out)["tool_results"][0]["output"]
    assert len(sent) < len(whole)
    assert sent.startswith("page 0; ")
    assert "characters left out here; the log keeps them" in sent
    messages = _shown(llm_)[-1]["turns"][-1]["messages"]
    assert messages[0]["parts"][0]["output"] == whole
    assert f"> {whole}" in llm_("sessions", "show", "work").ok().out


@pytest.mark.parametrize("mode", [(), ("--async",)], ids=["sync", "async"])
def test_history_gives_way_to_tool_results_for_older_plugins_too(
    llm_: Command, script: Script, mode: tuple[str, ...]
) -> None:
    """When tool results need the space, conversation.responses drops the same earlier exchanges as the messages."""
    llm_("-m", "scripted", "--session", "work", "--max-context-tokens", "900", "One " * 600).ok()
    llm_("--session", "work", "Two").ok()
    prompt = call("much", pages=160)
    done = llm_("-m", "echo", "--session", "work", "--functions", MUCH, prompt, *mode).ok()
    last = _last_round(done.out)
    assert "left out" not in last["tool_results"][0]["output"]
    assert last["previous"][-1] == {"prompt": prompt}
    assert {"prompt": "One " * 600} not in last["previous"]


# -- what comes out -------------------------------------------------------------

FENCED = "Here:\n\n```python\none()\n```\nand\n```\ntwo()\n```\n"


@pytest.mark.parametrize(
    "flags",
    [(), ("--no-stream",), ("-x",), ("--xl",), ("-u",), ("--async",), ("--async", "-u", "--no-stream")],
    ids=" ".join,
)
def test_output_is_the_same_as_plain_llms(llm_: Command, script: Script, flags: tuple[str, ...]) -> None:
    """A reply in a session is printed exactly as plain llm prints it, with any of these flags."""
    script.replies = [FENCED]
    script.count = len
    plain = llm_("-m", "scripted", "One", *flags).ok()
    first = llm_("-m", "scripted", "--session", "work", "One", *flags).ok()
    assert (first.out, first.err) == (plain.out, "session work: created with scripted\n" + plain.err)


def test_json_output_is_the_same_as_plain_llms(llm_: Command, script: Script) -> None:
    """--json prints the same record for a reply in a session as for any other, except for ids and times."""
    plain, ours = (
        json.loads(llm_("-m", "scripted", "One", "-s", "Be brief.", "-o", "mood", "glad", "--json", *more).ok().out)
        for more in ((), ("--session", "work"))
    )
    volatile = ("id", "conversation_id", "datetime_utc", "duration_ms")
    assert [{k: v for k, v in row.items() if k not in volatile} for row in ours] == [
        {k: v for k, v in row.items() if k not in volatile} for row in plain
    ]
    assert len(json.loads(llm_("--session", "work", "-n", "Two", "--json").ok().out)) == 1


def test_llm_itself_finds_a_session(llm_: Command, script: Script) -> None:
    """`llm logs` lists a session's turns like any others, and `llm -c` continues from the last request."""
    llm_("-m", "scripted", "--session", "work", "One").ok()
    llm_("--session", "work", "Two").ok()
    assert [row["prompt"] for row in json.loads(llm_("logs", "list", "--json", "-n", "0").ok().out)] == ["One", "Two"]
    llm_("-c", "Three").ok()
    assert [text for role, text in script.texts() if role == "user"] == ["One", "Two", "Three"]
    llm_("--session", "work", "Four").ok()
    assert [text for role, text in script.texts() if role == "user"] == ["One", "Two", "Three", "Four"]


@pytest.mark.skipif(
    "thinking" not in getattr(llm.get_model("echo").Options, "model_fields", {}),
    reason="the llm-echo that Python 3.10 can have does not reason",
)
def test_reasoning_is_printed_and_kept(llm_: Command, script: Script) -> None:
    """Reasoning is printed as in plain llm, -R hides it, and the transcript has it."""
    plain = llm_("-m", "echo", "-o", "thinking", "1", "One").ok()
    ours = llm_("-m", "echo", "-o", "thinking", "1", "--session", "work", "One").ok()
    assert ours.out == plain.out
    assert plain.err in ours.err
    assert "First I consider" in plain.err
    hidden = llm_("--session", "work", "-R", "Two").ok()
    assert "First I consider" not in hidden.err
    assert (
        "*Reasoning:*\n\n> First I consider the prompt, then I decide what to say."
        in llm_("sessions", "show", "work").ok().out
    )

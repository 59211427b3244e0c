"""What an import makes: of minimal lines, beside what is there already, and of files from strangers."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import pty
import stat
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from llm.cli import cli
from sqlite_utils import Database
from ulid import ULID

from llm_session_memory.errors import NameRefused
from llm_session_memory.interchange import exporting, importing
from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.interchange.world import PNG, content, exported, import_lines, new_log, rows, turns
from tests.world.processes import forked
from tests.world.scripted import Script

TWO = [
    {"prompt": "We build a bridge.", "response": "Noted."},
    {"prompt": "When?", "response": "On 4 May.", "model": "scripted", "datetime_utc": "2025-03-01T10:00:00Z"},
]
HEADER = {"format": "llm-session", "version": 1, "name": "bridge", "created_utc": "2025-03-01T09:00:00+00:00"}


# -- minimal lines -----------------------------------------------------------


def test_prompts_and_responses_are_enough(llm_: Command, script: Script, fresh: Path) -> None:
    """Lines of prompt and response become a session that can be read and continued with its last model."""
    import_lines(fresh, TWO)
    shown = llm_("sessions", "show", "work", "-d", str(fresh)).ok().out
    assert "**You:** We build a bridge.\n\n**Model:** Noted." in shown
    assert "## #2 · 2025-03-01 10:00 UTC · scripted" in shown
    llm_("-d", str(fresh), "--session", "work", "Why?").ok()
    assert script.texts() == [
        ("user", "We build a bridge."),
        ("assistant", "Noted."),
        ("user", "When?"),
        ("assistant", "On 4 May."),
        ("user", "Why?"),
    ]


def test_other_fields_of_a_minimal_line(fresh: Path) -> None:
    """A minimal line may have any field of a turn."""
    line = {**TWO[1], "system": "Be brief.", "options": {"mood": "calm"}, "input_tokens": 40, "duration_ms": 1001}
    import_lines(fresh, [line])
    (turn,) = turns(content(fresh))
    said = {name: turn[name] for name in ("system", "options", "input_tokens", "duration_ms", "datetime_utc")}
    said["datetime_utc"] = said["datetime_utc"].replace("+00:00", "Z")  # Python 3.10 reads no Z
    assert said == {name: line[name] for name in said}


def test_llms_own_log_commands_show_what_was_imported(llm_: Command, log: Path) -> None:
    """Missing facts about a turn (time, duration, model) don't break llm's own commands."""
    llm_("sessions", "import", "-", input='{"prompt": "We build a bridge.", "response": "Noted."}\n').ok()
    for options in ((), ("--short",), ("--json",), ("-q", "bridge")):
        assert "We build a bridge." in llm_("logs", "list", *options).ok().out


def test_windows_line_ends_and_byte_order_marks_are_read(fresh: Path) -> None:
    """Files as Windows programs write them can be imported."""
    import_lines(fresh, ["\ufeff" + json.dumps(TWO[0]) + "\r", "\r", json.dumps(TWO[1]) + "\r"])
    assert content(fresh)[0]["exchanges"] == 2


def test_text_with_nul_characters_is_kept(fresh: Path) -> None:
    """A NUL character is kept like any other."""
    import_lines(fresh, [{"prompt": "a\0b", "response": "c\0d"}])
    with Memory(fresh) as memory:
        (exchange,) = memory.sessions.exchanges("work")
    assert (exchange.prompt, exchange.reply) == ("a\0b", "c\0d")


# -- names and places ----------------------------------------------------------


def test_the_name_is_the_headers_unless_another_is_given(fresh: Path) -> None:
    """The session gets the name given with --as, else the one in the file, else a generated one."""
    assert import_lines(fresh, [HEADER, *TWO], None) == "bridge"
    assert import_lines(fresh, [HEADER, *TWO], "viaduct") == "viaduct"
    made_up = import_lines(fresh, TWO, None)
    with Memory(fresh) as memory:
        assert sorted(memory.sessions.names()) == sorted(["bridge", "viaduct", made_up])


def test_a_name_that_is_taken_is_refused(fresh: Path) -> None:
    """Nothing is imported over or into an existing session."""
    import_lines(fresh, [HEADER, *TWO], None)
    before = fresh.read_bytes()
    with pytest.raises(NameRefused, match="Session “bridge” already exists. Import it under another name with --as"):
        import_lines(fresh, [HEADER, *TWO], None)
    assert fresh.read_bytes() == before


def moment(id_: str) -> datetime:
    """Return the time in an id."""
    return datetime.fromtimestamp(ULID.from_str(id_.upper()).milliseconds / 1000, timezone.utc)


def test_imported_turns_have_ids_of_their_time(fresh: Path) -> None:
    """Ids ascend with the exchanges and have their times; without any, they come just before the newest of the log."""
    times = ["2025-03-01T10:00:00+00:00", "2025-02-01T10:00:00+00:00", "", "9999-01-01T00:00:00+00:00"]
    import_lines(fresh, [HEADER, *({"prompt": "x", "datetime_utc": time} for time in times)])
    ids = [row[0] for row in rows(fresh, "select id from turns order by rowid")]
    assert ids == sorted(set(ids))
    first = datetime.fromisoformat(times[0])
    assert [moment(id_) for id_ in ids[:3]] == [first] * 3
    import_lines(fresh, [{"prompt": "undated"}, {"prompt": "another"}], "newer")
    undated = [row[0] for row in rows(fresh, "select id from turns order by rowid")][4:]
    assert ids[2] < undated[0] < undated[1] < ids[3]


@pytest.mark.parametrize("command", [("prompt",), ("chat",)], ids=["prompt", "chat"])
@pytest.mark.parametrize(
    "line",
    [{}, {"model": "other"}, {"model": "other", "datetime_utc": "2099-01-01T00:00:00"}],
    ids=["bare", "m", "date"],
)
def test_plain_llm_never_goes_on_in_an_import(
    llm_: Command, script: Script, log: Path, line: dict[str, str], command: tuple[str]
) -> None:
    """`llm -c` goes on in what was held here, or begins anew if nothing was, whatever was imported before or after."""
    lines = json.dumps({"prompt": "Imported", "response": "Yes.", **line})
    where = {"prompt": ("Go on",), "chat": ()}[command[0]]
    llm_("models", "default", "scripted").ok()
    llm_("sessions", "import", "-", "--as", "one", input=lines).ok()
    llm_(*command, "-c", *where, input="Go on\nquit\n" if not where else "").ok()
    assert script.texts() == [("user", "Go on")]
    llm_("sessions", "import", "-", "--as", "two", input=lines).ok()
    llm_(*command, "-c", *where, input="Go on\nquit\n" if not where else "").ok()
    assert [text for role, text in script.texts() if role == "user"] == ["Go on", "Go on"]
    llm_("--session", "two", "-m", "scripted", "More").ok()
    llm_("-c", "Still").ok()
    assert [text for role, text in script.texts() if role == "user"] == ["Go on", "Go on", "Still"]


def test_an_import_makes_a_log_that_only_its_owner_reads(llm_: Command, log: Path) -> None:
    """If there is no log, one is created, readable only by its owner."""
    done = llm_("sessions", "import", "-", "--as", "work", input=json.dumps(TWO[0])).ok()
    assert (done.out, done.err) == ("Imported 1 exchange into session “work”.\n", "")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_from_a_pipe(llm_process: Command, log: Path) -> None:
    """Standard input may be a pipe, which can't be read twice."""
    done = llm_process("sessions", "import", "-", input="".join(json.dumps(line) + "\n" for line in TWO)).ok()
    assert done.out.startswith("Imported 2 exchanges into session “")


class Interrupted(io.BytesIO):
    """A file in the middle of which Ctrl-C is pressed."""

    def __init__(self) -> None:
        super().__init__(b'{"prompt": "x"}\n' * 10)
        self.lines = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        self.lines += 1
        if self.lines > 5:
            raise KeyboardInterrupt
        return super().readline(size)


def test_an_interrupted_import_leaves_nothing_behind(fresh: Path) -> None:
    """Ctrl-C during an import leaves the log unchanged."""
    before = fresh.read_bytes()
    with Memory(fresh) as memory, pytest.raises(KeyboardInterrupt):
        importing.read(memory, Interrupted(), "work", "work.jsonl")
    assert fresh.read_bytes() == before


# -- going on --------------------------------------------------------------------


def test_the_next_prompt_is_sent_with_the_whole_window(llm_: Command, script: Script, log: Path, fresh: Path) -> None:
    """An imported block can't continue, because its requests were never sent from here, so a new one begins."""
    for number in range(4):
        llm_("-m", "scripted", "--session", "work", f"Prompt {number}.").ok()
    import_lines(fresh, exported(log).splitlines())
    context = llm_("sessions", "context", "work", "Next", "-d", str(fresh)).ok().out
    assert "block    new:" in context
    llm_("--session", "work", "-d", str(fresh), "Next").ok()
    assert [text for role, text in script.texts() if role == "user"] == [f"Prompt {n}." for n in range(4)] + ["Next"]
    assert content(fresh)[1:5] == content(log)[1:]


def test_tools_that_will_be_offered_are_named(llm_: Command, fresh: Path) -> None:
    """llm offers a conversation's first tools again, so the import names them."""
    tool = {"name": "files_\x1b[31mdelete", "plugin": "files", "input_schema": {}}
    lines = json.dumps({"prompt": "x", "tools": [tool]})
    done = llm_("sessions", "import", "-", "--as", "work", "-d", str(fresh), input=lines).ok()
    told = "Its next prompts will offer models the tools of its first prompt: files_␛[31mdelete.\n"
    assert done.err == told


# -- files from strangers ----------------------------------------------------------


def _attached(**fields: Any) -> dict[str, Any]:
    part = {"type": "attachment", "attachment": {"type": "text/plain", **fields}}
    return {"turns": [{"input": [{"role": "user", "parts": [part]}], "output": []}]}


def test_paths_are_not_trusted(fresh: Path, tmp_path: Path) -> None:
    """A file can't name a file on this machine to have it sent to a model with the next prompt."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the combination is 1234")
    import_lines(fresh, [_attached(path=str(secret), id="0" * 64), _attached(path=str(secret), content="")])
    assert {row[0] for row in rows(fresh, "select path from attachments")} == {f"missing:{secret}"}
    with Memory(fresh) as memory:
        held = [
            a for e in memory.sessions.exchanges("work") for m in e.messages for p in m.parts for a in p.attachments
        ]
    assert all(not Path(attachment.path or "/").exists() for attachment in held)
    assert "combination" not in exported(fresh)


def test_a_path_with_the_right_hash_is_kept(fresh: Path, tmp_path: Path) -> None:
    """Anyone who knows the hash of a file's bytes has had the file."""
    known = tmp_path / "known.txt"
    known.write_text("known")
    import_lines(fresh, [_attached(path=str(known), id=hashlib.sha256(b"known").hexdigest())])
    assert rows(fresh, "select path from attachments") == [(str(known),)]


def test_attachments_that_the_log_has_already_stay_as_they_are(fresh: Path) -> None:
    """An import can't replace an attachment that the log has under the same id."""
    import_lines(fresh, [_attached(content=base64.b64encode(PNG).decode())], "first")
    before = rows(fresh, "select * from attachments")
    id_ = before[0][0]
    import_lines(fresh, [_attached(path="/nowhere", id=id_, type="image/gif")], "second")
    import_lines(fresh, [_attached(content=base64.b64encode(PNG).decode(), type="image/gif")], "third")
    assert rows(fresh, "select * from attachments") == before


def test_links_are_not_followed(fresh: Path) -> None:
    """An attachment by URL is kept without asking its server for its type."""
    import_lines(fresh, [_attached(url="http://192.0.2.1/pixel.png", type=None)])
    assert rows(fresh, "select type, url from attachments") == [(None, "http://192.0.2.1/pixel.png")]


def test_code_in_a_file_is_not_run(llm_: Command, script: Script, fresh: Path, tmp_path: Path) -> None:
    """Python functions of an unanswered prompt are kept and exported, but `retry` does not run them."""
    code = f"open({str(tmp_path / 'ran')!r}, 'w').close()\ndef f():\n    pass\n"
    attempt: dict[str, Any] = {"prompt": "Hello", "error": "gone", "model": "scripted"}
    attempt |= {"datetime_utc": "2025-03-01T10:00:00+00:00", "request": {"model": "scripted", "functions": [code]}}
    import_lines(fresh, [{**HEADER, "model": "scripted"}, {"attempt": attempt}])
    with Memory(fresh) as memory:
        assert "functions" not in memory.record.attempts("work")[0].request
    done = llm_("sessions", "retry", "work", "-d", str(fresh)).ok()
    assert "The prompt's Python functions were imported from a file, so they are not run.\n" in done.err
    assert not (tmp_path / "ran").exists()
    (kept,) = [line["attempt"] for line in content(fresh) if "attempt" in line]
    assert kept == {**attempt, "answered_by": 1}


def test_an_unanswered_prompts_files_are_not_read(fresh: Path, tmp_path: Path) -> None:
    """`retry` does not send a file of this machine that an imported file names."""
    (tmp_path / "secret.txt").write_text("1234")
    item = {"type": "text/plain", "path": str(tmp_path / "secret.txt"), "id": "0" * 64}
    import_lines(fresh, [{"attempt": {"prompt": "x", "request": {"attachments": [item]}}}])
    with Memory(fresh) as memory:
        (attempt,) = memory.record.attempts("work")
    assert attempt.request["attachments"] == [{"type": "text/plain", "path": None, "url": None, "content": None}]


# -- much ----------------------------------------------------------------------------


def lines_of(megabytes: int, *, each: int = 100_000) -> Iterator[bytes]:
    for number in range(megabytes * 1_000_000 // each):
        yield json.dumps({"prompt": f"{number}", "response": "word " * (each // 5)}).encode() + b"\n"


def test_memory_does_not_grow_with_the_file(fresh: Path, tmp_path: Path) -> None:
    """An import holds one line at a time, an export a few exchanges."""
    (tmp_path / "long.jsonl").write_bytes(b"".join(lines_of(8)))
    with Memory(fresh) as memory:
        tracemalloc.start()
        with (tmp_path / "long.jsonl").open("rb") as stream:
            importing.read(memory, stream, "work", "long.jsonl")
        imported = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        with (tmp_path / "again.jsonl").open("w") as file:
            exporting.write(memory, "work", file)
        exported_ = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "again.jsonl").stat().st_size > 8_000_000
    assert imported < 1_500_000
    assert exported_ < 6_500_000


@pytest.mark.skipif(sys.platform == "win32", reason="no terminals to open")
def test_progress_is_shown_on_a_terminal(forking: None, home: Path, fresh: Path, tmp_path: Path) -> None:
    """On a terminal a long import or export counts exchanges, and removes the line at the end."""
    (tmp_path / "many.jsonl").write_text('{"prompt": "x", "response": "y"}\n' * 250)
    ours, theirs = pty.openpty()
    process = forked(_import_on, os.ttyname(theirs), tmp_path, fresh)
    process.join(60)
    os.close(theirs)
    told = os.read(ours, 10_000).decode()
    os.close(ours)
    assert (tmp_path / "out").read_text() == "Imported 250 exchanges into session “work”.\n"
    assert told == "\r100 exchanges\r200 exchanges\r             \r"


def _import_on(terminal: str, folder: Path, log: Path) -> None:
    """In another process, import a file and write to a terminal."""
    with Path(terminal).open("w", 1) as err, (folder / "out").open("w") as out:
        sys.stdout, sys.stderr = out, err
        arguments = ["sessions", "import", str(folder / "many.jsonl"), "--as", "work", "-d", str(log)]
        cli(arguments, standalone_mode=False)


def test_a_log_of_llm_alone_gets_our_tables_with_the_first_import(tmp_path: Path) -> None:
    """An import adds our tables in its own transaction."""
    log = new_log(tmp_path / "logs.db")
    assert rows(log, "select count(*) from sqlite_master where name like 'memory%'") == [(0,)]
    import_lines(log, TWO)
    database = Database(log)
    assert "memory_sessions" in database.table_names()
    database.close()

"""Files that an export writes: whole or not at all, in three formats."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.interchange import exporting
from llm_session_memory.memory import Memory
from llm_session_memory.reader.files.gathering import Gathering
from llm_session_memory.rules.safe_text import plain
from tests.conftest import Command
from tests.interchange.world import content, exported, import_lines, rows, turns
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script, log: Path) -> Path:
    """A log with a session of three exchanges, the second pinned, and a prompt that failed."""
    for number in (1, 2, 3):
        llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", f"Prompt {number}.").ok()
    script.replies.append(RuntimeError("gone"))
    llm_("--session", "work", "Prompt 4.")
    llm_("sessions", "pin", "work", "2").ok()
    return log


def test_to_a_file(llm_: Command, work: Path, tmp_path: Path) -> None:
    """The file has the whole session, and no other file is left beside it."""
    (tmp_path / "out").mkdir()
    done = llm_("sessions", "export", "work", str(tmp_path / "out" / "work.jsonl")).ok()
    assert done.out == f"Wrote 3 exchanges to {tmp_path / 'out' / 'work.jsonl'}.\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["work.jsonl"]
    lines = [json.loads(line) for line in (tmp_path / "out" / "work.jsonl").read_text().splitlines()]
    assert [line.get("exchange") for line in lines] == [None, 1, 2, 3, None]


def test_to_standard_output(llm_: Command, work: Path) -> None:
    """Without a file, or with -, standard output has the session and nothing else."""
    out = llm_("sessions", "export", "work").ok().out
    assert len(out.splitlines()) == 5
    assert llm_("sessions", "export", "work", "-").ok().out.splitlines()[1:] == out.splitlines()[1:]


def test_an_existing_file_is_not_replaced(llm_: Command, work: Path, tmp_path: Path) -> None:
    """Only --force replaces a file, which keeps its permissions."""
    target = tmp_path / "work.jsonl"
    target.write_text("mine")
    target.chmod(0o640)
    done = llm_("sessions", "export", "work", str(target))
    assert done.err == f"Error: {target} already exists. Choose another name, or replace it with --force.\n"
    assert target.read_text() == "mine"
    llm_("sessions", "export", "work", str(target), "--force").ok()
    assert target.read_text().startswith('{"format": "llm-session"')
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_only_its_owner_can_read_a_file(llm_: Command, work: Path, tmp_path: Path) -> None:
    """An export has conversations, so nobody else can read it, whatever the umask."""
    before = os.umask(0)
    try:
        llm_("sessions", "export", "work", str(tmp_path / "work.jsonl")).ok()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "work.jsonl").stat().st_mode) == 0o600


def test_a_link_is_followed(llm_: Command, work: Path, tmp_path: Path) -> None:
    """With --force the target of a link is replaced, and the link stays."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    llm_("sessions", "export", "work", str(tmp_path / "link"), "--force").ok()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text().startswith("{")


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (".", "is a folder. Give the name of a file, or - for standard output."),
        ("/dev/null", "is not a regular file. Give the name of a file, or - for standard output."),
        (
            "nowhere/work.jsonl",
            "can't be written: No such file or directory. Choose another file. Nothing was written.",
        ),
        ("x" * 300, "can't be written: File name too long. Choose another file. Nothing was written."),
    ],
)
def test_paths_that_can_not_be_written(llm_: Command, work: Path, target: str, why: str) -> None:
    """A folder, a device, and a missing folder are errors, even with --force."""
    done = llm_("sessions", "export", "work", target, "--force")
    assert (done.err, done.code) == (f"Error: {target} {why}\n", 1)


@pytest.mark.parametrize("there", [True, False], ids=["replacing", "new"])
def test_an_export_that_fails_writes_nothing(work: Path, tmp_path: Path, there: bool) -> None:
    """Whatever stops an export, the file is as it was before, and no other file is left beside it."""
    target = tmp_path / "out" / "work.jsonl"
    target.parent.mkdir()
    if there:
        target.write_text("mine")

    def full(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with Memory(work) as memory, pytest.raises(KeyboardInterrupt):
        exporting.write_file(memory, "work", target, force=True, progress=full)
    assert [(path.name, path.read_text()) for path in target.parent.iterdir()] == [("work.jsonl", "mine")] * there


def test_an_exchange_deleted_meanwhile_is_noticed(work: Path, tmp_path: Path) -> None:
    """An export fails if the session was changed while it was read, so it is never incomplete."""
    with Memory(work) as memory:
        gathering = Gathering(memory.desk.log, memory.sessions.get("work").thread_id)
        memory.desk.log.run("delete from turns where id = :id", {"id": gathering.turns[1][0]})
        with pytest.raises(SessionError, match="Session “work” changed while it was being read. Try again."):
            list(gathering.entries())


def test_markdown_is_what_show_prints(llm_: Command, work: Path, tmp_path: Path) -> None:
    """The Markdown is the transcript of `llm sessions show`."""
    shown = llm_("sessions", "show", "work").ok().out
    assert llm_("sessions", "export", "work", "--format", "markdown").ok().out == shown
    llm_("sessions", "export", "work", str(tmp_path / "work.md")).ok()
    assert (tmp_path / "work.md").read_text() == shown


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.jsonl", '{"format"'),
        ("a", '{"format"'),
        ("a.txt", '{"format"'),
        ("a.MD", "# work"),
        ("a.markdown", "# work"),
        ("a.html", "<!doctype"),
        ("a.htm", "<!doctype"),
    ],
)
def test_the_ending_says_the_format(llm_: Command, work: Path, tmp_path: Path, name: str, begins: str) -> None:
    """Without --format the file's ending chooses; an unknown ending is JSONL."""
    llm_("sessions", "export", "work", str(tmp_path / name)).ok()
    assert (tmp_path / name).read_text().startswith(begins)


def test_format_wins_over_the_ending(llm_: Command, work: Path, tmp_path: Path) -> None:
    """--format chooses, whatever the file is called."""
    llm_("sessions", "export", "work", str(tmp_path / "a.html"), "--format", "jsonl").ok()
    assert (tmp_path / "a.html").read_text().startswith('{"format"')


def test_an_unknown_format_is_refused(work: Path) -> None:
    """The API refuses an unknown format."""
    with pytest.raises(SessionError, match="Unknown format “pdf”. Choose one of: jsonl, markdown, html."):
        exported(work, format_="pdf")


def test_jsonl_can_be_shown_in_a_terminal(fresh: Path) -> None:
    """An export has no character that controls a terminal, and no line end within a line."""
    every = "".join(map(chr, [*range(0x100), 0x200E, 0x202E, 0x2028, 0x2029, 0x2066, 0x1F600]))
    import_lines(fresh, [{"prompt": every, "response": every}])
    text = exported(fresh)
    assert plain(text) == text
    assert len(text.splitlines()) == 2
    parts = json.loads(text.splitlines()[1])["turns"][0]["input"][0]["parts"]
    assert parts == [{"type": "text", "text": every}]


def test_half_characters_in_a_raw_response_are_kept(fresh: Path, other: Path) -> None:
    """JSON that llm stored may have a lone surrogate, which no UTF-8 text can have."""
    import_lines(fresh, ['{"prompt": "x", "response": "y", "response_json": {"text": "\\ud83d"}}'])
    text = exported(fresh)
    assert '"\\ud83d"' in text
    import_lines(other, text.splitlines())
    assert rows(other, "select response_json from turns") == [('{"text": "\\ud83d"}',)]


def test_an_export_only_reads(llm_: Command, work: Path) -> None:
    """Exporting leaves the log unchanged."""
    before = work.read_bytes()
    for format_ in exporting.FORMATS:
        llm_("sessions", "export", "work", "--format", format_).ok()
    assert work.read_bytes() == before


def test_a_log_without_the_newer_tables_is_exported(work: Path) -> None:
    """A log from an older version of the plugin has no notes and tags, and is read as it is."""
    with Memory(work) as memory:
        for table in ("memory_notes", "memory_tags", "memory_meta", "memory_summaries"):
            memory.desk.log.run(f"drop table {table}")
    assert "notes" not in json.loads(exported(work).splitlines()[0])


def test_a_session_without_an_exchange(fresh: Path, other: Path) -> None:
    """A session without exchanges is exported and imported."""
    import_lines(fresh, [{"format": "llm-session", "version": 1, "name": "work", "system": "Be brief."}])
    assert json.loads(exported(fresh))["exchanges"] == 0
    import_lines(other, exported(fresh).splitlines())
    assert json.loads(exported(other))["system"] == "Be brief."
    assert exported(fresh, format_="markdown").startswith("# work\n\n0 exchanges · no model yet · ")


def test_numbers_that_json_does_not_have_become_null(fresh: Path, other: Path) -> None:
    """A server's reply may have infinite numbers. The export is JSON all the same, and can be imported again."""
    import_lines(fresh, [{"prompt": "x", "response_json": {"logprobs": [0.5, "inf"]}}])
    with Memory(fresh) as memory, memory.writing():
        memory.desk.log.run("update turns set response_json = replace(response_json, '\"inf\"', '-Infinity')")
    import_lines(other, exported(fresh).splitlines())
    assert turns(content(other))[0]["response_json"] == {"logprobs": [0.5, None]}

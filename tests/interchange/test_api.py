"""`import_session`, `export_session` and `Memory.search`: what a program uses, and the commands as well."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from llm_session_memory.errors import NameRefused, SessionError
from llm_session_memory.interchange import export_session, import_session
from llm_session_memory.memory import Memory
from llm_session_memory.model import Filters

LINES = '{"prompt": "We build a bridge.", "response": "Where?"}\n{"prompt": "In Lisbon.", "response": "Noted."}\n'


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    """A file of two exchanges."""
    path = tmp_path / "bridge.jsonl"
    path.write_text(LINES)
    return path


def test_a_file_is_imported_and_exported(fresh: Path, file: Path, tmp_path: Path) -> None:
    """A session is imported under a name and exported to a file, in the format of the file's ending."""
    with Memory(fresh) as memory:
        session = import_session(memory, file, name="work")
        assert [exchange.prompt for exchange in memory.sessions.exchanges("work")] == [
            "We build a bridge.",
            "In Lisbon.",
        ]
        assert memory.sessions.get("work") == session
        assert export_session(memory, "work", tmp_path / "work.md") == 2
        assert export_session(memory, "work", str(tmp_path / "work.jsonl")) == 2
    assert (tmp_path / "work.md").read_text().startswith("# work\n")
    assert json.loads((tmp_path / "work.jsonl").read_text().splitlines()[0])["exchanges"] == 2


def test_streams_are_imported_and_exported(fresh: Path) -> None:
    """Streams work like files."""
    out = io.StringIO()
    with Memory(fresh) as memory:
        import_session(memory, io.StringIO(LINES), name="work")
        export_session(memory, "work", out, format="markdown")
        assert import_session(memory, io.BytesIO(LINES.encode())).name != "work"
    assert out.getvalue().startswith("# work\n")


def test_errors_are_of_the_family(fresh: Path, file: Path, tmp_path: Path) -> None:
    """A file that can't be read or written, or an invalid name, is a SessionError, and nothing is left behind."""
    with Memory(fresh) as memory:
        with pytest.raises(SessionError, match=r"nowhere\.jsonl can't be read: No such file or directory"):
            import_session(memory, tmp_path / "nowhere.jsonl")
        import_session(memory, file, name="work")
        with pytest.raises(NameRefused):
            import_session(memory, file, name="Work")
        with pytest.raises(SessionError, match="already exists"):
            export_session(memory, "work", file)
        assert [line.session.name for line in memory.sessions.list()] == ["work"]


def test_what_was_imported_is_found(fresh: Path, file: Path) -> None:
    """Search finds an import at once, in all sessions or in one, with filters."""
    with Memory(fresh) as memory:
        import_session(memory, file, name="work")
        (hit,) = memory.search("lisbon")
        assert (hit.session, hit.number, hit.side, hit.snippet, hit.marks) == (
            "work",
            2,
            "prompt",
            "In Lisbon.",
            ((3, 9),),
        )
        assert memory.search("lisbon", session="work", filters=Filters(model="unknown")) == [hit]
        assert memory.search("lisbon", filters=Filters(tags=("none",))) == []


def test_an_empty_file_becomes_a_log(tmp_path: Path, file: Path) -> None:
    """A newly created file gets llm's tables and ours with the import."""
    path = tmp_path / "empty.db"
    path.touch()
    with Memory(path) as memory:
        import_session(memory, file, name="work")
        assert memory.requests.context("work", "Where is it?").tokens > 0

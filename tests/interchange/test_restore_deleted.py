"""An import doesn't bring back what was deleted, unless it is asked to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from llm_session_memory.store.tombstones import content_hash
from tests.conftest import Command
from tests.world.logs import Call, LogBuilder, Said


@pytest.fixture(name="exported")
def _exported(log: Path, llm_: Command, tmp_path: Path) -> Path:
    """A file with a session of three exchanges, one of them with a tool call, that is in the log as well."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        builder.responses(thread, Said("Begun long ago.", "By an old llm."))
        call = Call("tide_table", {"place": "Lisbon"}, "7 rows")
        builder.turns(thread, Said("Check the tide table.", "Low water at 09:42.", calls=(call,)), Said("Thanks."))
    llm_("sessions", "name", thread, "work").ok()
    file = tmp_path / "work.jsonl"
    llm_("sessions", "export", "work", str(file)).ok()
    return file


def exchanges(llm_: Command, name: str) -> int:
    """Return how many exchanges a session has."""
    return llm_("sessions", "export", name).ok().out.count('"exchange"')


def test_a_deleted_session_does_not_come_back(exported: Path, llm_: Command) -> None:
    """All of it was deleted, so nothing is imported, and the error says how to import it all the same."""
    llm_("sessions", "delete", "work", "--yes").ok()
    done = llm_("sessions", "import", str(exported))
    assert done.code == 1
    assert done.err == (
        "Error: All exchanges of work.jsonl were deleted from this log. To import them anyway, add --restore-deleted.\n"
    )
    assert not llm_("sessions", "list").ok().out.count("work")


def test_deleted_exchanges_are_left_out(exported: Path, llm_: Command) -> None:
    """The others are imported."""
    llm_("sessions", "delete", "work", "--exchange", "2", "--yes").ok()
    done = llm_("sessions", "import", str(exported), "--as", "again").ok()
    assert done.out == "Imported 2 exchanges into session “again”.\n"
    assert done.err == (
        "1 exchange was left out, because you deleted it from this log. "
        "To import it as well, import the file under another name with --restore-deleted.\n"
    )
    assert "tide" not in llm_("sessions", "show", "again").ok().out


def test_a_snapshot_brings_no_deleted_exchange_back(exported: Path, llm_: Command) -> None:
    """Snapshots that reach a deleted exchange are left out of an import; earlier ones are not."""
    llm_("sessions", "snapshot", "work", "all of it").ok()
    llm_("sessions", "export", "work", str(exported), "--force").ok()
    llm_("sessions", "snapshot", "work", "--delete", "all of it").ok()
    llm_("sessions", "delete", "work", "--exchange", "2", "--yes").ok()
    llm_("sessions", "import", str(exported), "--as", "again").ok()
    assert llm_("sessions", "undo", "--list", "again").ok().out.count("tide") == 0
    assert "all of it" not in llm_("sessions", "snapshots", "again").out


def test_what_was_restored_is_no_longer_deleted(exported: Path, llm_: Command) -> None:
    """With --restore-deleted everything comes back, and later imports need no option."""
    llm_("sessions", "delete", "work", "--yes").ok()
    llm_("sessions", "import", str(exported), "--restore-deleted").ok()
    assert exchanges(llm_, "work") == 3
    llm_("sessions", "import", str(exported), "--as", "again").ok()
    assert exchanges(llm_, "again") == 3


def test_another_sessions_same_words_are_imported(exported: Path, llm_: Command, tmp_path: Path) -> None:
    """What was said at another time is another exchange, whatever its words."""
    llm_("sessions", "delete", "work", "--yes").ok()
    other = tmp_path / "other.jsonl"
    other.write_text('{"prompt": "Thanks.", "response": "Noted."}\n', "utf-8")
    llm_("sessions", "import", str(other), "--as", "other").ok()
    assert exchanges(llm_, "other") == 1


@pytest.mark.parametrize("said", ["Low water", 'a "b" \\ \n\t\x00\x1f\x7f', "água \u2028 🌊", "half \ud83d"])
def test_a_tombstone_is_the_hash_of_the_json(said: str) -> None:
    """Tombstones of older versions are recognised: each is the SHA-256 of time, prompt and reply as JSON."""
    content = json.dumps(["2026-05-01T12:00:00", said, "Noted."], ensure_ascii=False, separators=(",", ":"))
    known = hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()
    assert content_hash("2026-05-01 12:00:00.25+00:00", f" {said} ", "Noted.") == known

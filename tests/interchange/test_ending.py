"""A command that is ended by a signal leaves nothing that is half written."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import pytest

from llm_session_memory.interchange.whole_file import WholeFiles
from llm_session_memory.store import other_log
from tests.conftest import Command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals.")


def _end(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_nothing_is_left_of_an_export_that_is_ended(
    lived: Path, llm_: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that was written beside its later place is removed, and others end as usual afterwards."""
    (tmp_path / "to").mkdir()
    monkeypatch.setattr(WholeFiles, "appear", _end)
    done = llm_("sessions", "export", "work", str(tmp_path / "to" / "work.jsonl"), "-d", str(lived))
    assert done.code == 128 + signal.SIGTERM
    assert [*(tmp_path / "to").iterdir()] == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_nothing_is_left_of_a_merge_that_is_ended(
    lived: Path, fresh: Path, llm_: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of the other log, with all its conversations, is removed."""
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    monkeypatch.setattr(other_log, "_check", _end)
    assert llm_("sessions", "merge", str(lived), "-d", str(fresh)).code == 128 + signal.SIGTERM
    assert [*(tmp_path / "temp").iterdir()] == []

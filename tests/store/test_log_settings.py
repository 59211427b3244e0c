"""Settings of the whole log."""

from __future__ import annotations

from pathlib import Path

from llm_session_memory.memory import Memory
from llm_session_memory.store import log_settings


def test_setting_is_kept_until_it_is_removed(tmp_path: Path) -> None:
    """A setting that was never set is None, also in a log without our tables."""
    with Memory(tmp_path / "logs.db", create=True) as memory:
        log = memory.desk.log
        assert log_settings.get(log, "titles.auto") is None
        memory.desk.prepare()
        with memory.writing():
            log_settings.put(log, "titles.auto", "off")
            log_settings.put(log, "titles.auto", "on")
        assert log_settings.get(log, "titles.auto") == "on"
        with memory.writing():
            log_settings.remove(log, "titles.auto")
        assert log_settings.get(log, "titles.auto") is None

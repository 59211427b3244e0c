"""Waiting for a locked log for a moment only: in vain, we wait for 10 seconds, and Python waits for 5 by default."""

from __future__ import annotations

import sqlite3
from functools import partial

import pytest

from llm_session_memory.store import log

SECONDS = 0.3


def wait_briefly(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let all connections that this process opens wait for a moment; return what errors say of the time."""
    monkeypatch.setattr(log, "WAIT_SECONDS", SECONDS)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, timeout=SECONDS))
    return f"gave up after {SECONDS} seconds"

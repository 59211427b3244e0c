"""When rows were changed, on which machine and by whom: memory_changes, which triggers keep up to date."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .log import Log

_MERGING = {"key": "changes.merging"}


@contextmanager
def unrecorded(log: Log) -> Iterator[None]:
    """Let triggers record no changes, because these were made elsewhere. Call it inside a transaction.

    The row that says so is only there within the transaction; an error undoes both. It may be used within itself.
    """
    if log.value("select 1 from memory_log_settings where key = :key", _MERGING):
        yield
        return
    log.run("insert into memory_log_settings (key, value) values (:key, 'on')", _MERGING)
    yield
    log.run("delete from memory_log_settings where key = :key", _MERGING)

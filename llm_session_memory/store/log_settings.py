"""Settings of the whole log, such as how long conversations are kept: texts by key.

The keys are `titles.auto`, `titles.model`, and for retention `retention.days` (how long conversations are kept),
`retention.next_utc` (it is not looked at again before; not set if retention is off) and `retention.reported_utc` (when
it was first said what would be deleted).
"""

from __future__ import annotations

from .log import Log


def get(log: Log, key: str) -> str | None:
    """Return a setting, or None if it is not set."""
    if not log.columns("memory_log_settings"):
        return None
    found = log.value("select value from memory_log_settings where key = :key", {"key": key})
    return None if found is None else str(found)


def put(log: Log, key: str, value: str) -> None:
    """Set a setting. Call it inside `log.writing()`."""
    log.run(
        "insert or replace into memory_log_settings (key, value) values (:key, :value)", {"key": key, "value": value}
    )


def remove(log: Log, key: str) -> None:
    """Remove a setting. Call it inside `log.writing()`."""
    log.run("delete from memory_log_settings where key = :key", {"key": key})

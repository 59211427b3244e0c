"""A session's JSONL without its texts: each is replaced by its length, and the structure stays, as for a bug report.

Pure. Texts are replaced unless their field is known to hold no text of a person's or a model's, so a new field is
replaced too.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Literal

Hide = Literal["secrets", "texts"] | None
"""What an export hides: the secrets that are found in it, or all texts; None: nothing."""

_KEPT = frozenset(
    "format version role type model resolved_model policy memory think side of window_source mark author cut front"
    " reason plugin server_side tool_call_id thread_id thread datetime_utc pinned required".split()
)
"""Fields whose values stay, besides times (`…_utc`). All numbers stay."""

_TOOLS = frozenset({"tool_call", "tool_result"})

_UNLIKE = frozenset({"name", "tags", "label"})
"""Fields whose texts must differ if they did before."""

_FIELDS = frozenset({"meta"})
"""Fields of which the names inside are a person's texts too."""


class Sanitizer:
    """Replaces the texts of one session's lines."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def record(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a line of the file with lengths in place of texts."""
        made: dict[str, Any] = self._value(record, "", None)
        return made

    def _value(self, value: Any, field: str, within: str | None) -> Any:
        if isinstance(value, str):
            return self._text(value, field, within)
        if isinstance(value, Mapping):
            if field in ("attachment", "attachments"):
                return _attachment(value)
            if field in _FIELDS:
                return {f"fact {n}": self._value(one, "", None) for n, one in enumerate(value.values(), 1)}
            type_ = value.get("type")
            kind = str(type_) if isinstance(type_, str) else "tool" if field == "tools" else None
            return {name: self._value(one, name, kind) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._value(one, field, within) for one in value]
        return value

    def _text(self, text: str, field: str, within: str | None) -> str:
        if not text or field in _KEPT or field.endswith("_utc"):
            return text
        if field == "name" and (within in _TOOLS or within == "tool"):
            return text
        if field == "recall_from":
            return text if text in ("all", "self") else "self"
        if field == "source" and text.startswith("session:"):
            return text.partition("?")[0]
        length = f"[{len(text):,} {'character' if len(text) == 1 else 'characters'}]"
        return self._unlike(text, length) if field in _UNLIKE else length

    def _unlike(self, text: str, length: str) -> str:
        """Return a length that no other name has."""
        if text not in self._names:
            taken, number, found = {*self._names.values()}, 1, length
            while found in taken:
                number += 1
                found = f"{length} {number}"
            self._names[text] = found
        return self._names[text]


def _attachment(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attachment with its type and size, and nothing else of it."""
    held = record.get("content")
    size = len(base64.b64decode(held)) if isinstance(held, str) else None
    what = f"[{size:,} bytes]" if size is not None else "[not in the log]"
    return {"type": record.get("type") or "text/plain", "content": base64.b64encode(what.encode()).decode("ascii")}

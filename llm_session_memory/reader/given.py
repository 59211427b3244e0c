"""The fragments and attachments of a prompt that got no answer, as they are kept to send it again. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..rules.file_names import without_folders
from ..rules.words import counted


@dataclass(frozen=True)
class Enclosed:
    """A fragment with its text, or an attachment without its bytes; `words` describes it on one line.

    A fragment has a `source`; an attachment has a type, and the path or URL that it is at, or its size in bytes.
    """

    words: str
    text: str | None = None
    source: str = ""
    type: str = ""
    path: str | None = None
    url: str | None = None
    size: int | None = None

    def fields(self) -> dict[str, Any]:
        """Return it as plain values, ready for JSON."""
        if self.text is not None:
            return {"kind": "fragment", "source": self.source or None, "text": self.text}
        return {"kind": "attachment", "type": self.type, "path": self.path, "url": self.url, "bytes": self.size}


def given_with(request: str | Mapping[str, Any] | None) -> tuple[Enclosed, ...]:
    """Return the fragments and attachments in an attempt's request, or in its JSON; what can't be read is left out."""
    if isinstance(request, str):
        try:
            request = json.loads(request)
        except (ValueError, RecursionError):
            request = None
    if not isinstance(request, Mapping):
        return ()
    fragments = [one for one in request.get("fragments") or () if isinstance(one, Mapping)]
    attachments = [one for one in request.get("attachments") or () if isinstance(one, Mapping)]
    return (*map(_fragment, fragments), *map(_attachment, attachments))


def _fragment(fragment: Mapping[str, Any]) -> Enclosed:
    text = str(fragment.get("text") or "")
    source = str(fragment.get("source") or "")
    return Enclosed(f"Fragment {source or 'without a name'}, {counted(len(text), 'character')}", text, source)


def _attachment(attachment: Mapping[str, Any]) -> Enclosed:
    kind = str(attachment.get("type") or "")
    path, url = (str(attachment[name]) if attachment.get(name) else None for name in ("path", "url"))
    size = None if path or url else len(str(attachment.get("content") or "")) * 3 // 4
    where = url or (without_folders(path) if path else counted(size or 0, "byte"))
    return Enclosed(f"Attachment: {kind or 'a file'}, {where}", type=kind, path=path, url=url, size=size)

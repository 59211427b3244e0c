"""The fragments and attachments of a prompt that got no answer, as they are kept to send it again. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..rules.words import counted


@dataclass(frozen=True)
class Given:
    """A fragment with its text, or an attachment without its bytes; `words` describes it on one line."""

    words: str
    text: str | None = None


def given_with(request: str | Mapping[str, Any] | None) -> tuple[Given, ...]:
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


def _fragment(fragment: Mapping[str, Any]) -> Given:
    text = str(fragment.get("text") or "")
    source = str(fragment.get("source") or "without a name")
    return Given(f"Fragment {source}, {counted(len(text), 'character')}", text)


def _attachment(attachment: Mapping[str, Any]) -> Given:
    kind = str(attachment.get("type") or "a file")
    where = attachment.get("path") or attachment.get("url")
    if not where:
        where = counted(len(str(attachment.get("content") or "")) * 3 // 4, "byte")
    return Given(f"Attachment: {kind}, {where}")

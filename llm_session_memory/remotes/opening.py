"""Which kind of remote an address names."""

from __future__ import annotations

import re

from ..errors import RemoteFailed
from ..rules.safe_text import one_line

_SCHEMES = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mongodb": "mongodb",
    "mongodb+srv": "mongodb",
}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def kind_of(address: str) -> str:
    """Return whether an address is that of `postgres`, `mongodb` or a `folder`.

    Raises:
        RemoteFailed: It begins with a scheme that is none of ours.
    """
    found = _SCHEME.match(address)
    if found is None:
        return "folder"
    kind = _SCHEMES.get(found[1].lower())
    if kind is None:
        message = f"Conversations can't be kept at {one_line(found[0])} addresses."
        raise RemoteFailed(message, "Give a postgresql:// or mongodb:// address, or a folder.")
    return kind

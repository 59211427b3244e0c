"""The hash that llm gives to a message. Pure.

A hash covers the message and the hash before it, so if a text in a chain is blanked, the hashes after it change.
Described in llm's logs.py (`message_hash`, `canonical_json`); a test compares the two.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

_PREFIX = "b2:"
_BYTES = 16


def message_hash(
    role: str, parts: Sequence[Mapping[str, Any]], provider_metadata: Mapping[str, Any] | None, parent: str | None
) -> str:
    """Return the hash of a message.

    Args:
        role: The message's role.
        parts: Its parts as llm writes them (`Part.to_dict`), with texts in full. An attachment is its id and type.
        provider_metadata: That of the message as a whole.
        parent: The hash of the message before it, or None.
    """
    message: dict[str, Any] = {"role": role, "parts": [dict(part) for part in parts]}
    if provider_metadata:
        message["provider_metadata"] = provider_metadata
    canonical = json.dumps(
        {"parent": parent, "message": message}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return _PREFIX + hashlib.blake2b(canonical.encode("utf-8"), digest_size=_BYTES).hexdigest()


def hash_of_text(role: str, text: str, parent: str | None) -> str:
    """Return the hash of a message that is one text, as `message_hash` does, in a third of the time."""
    after = "null" if parent is None else encode_basestring(parent)
    canonical = (
        f'{{"message":{{"parts":[{{"text":{encode_basestring(text)},"type":"text"}}],'
        f'"role":{encode_basestring(role)}}},"parent":{after}}}'
    )
    return _PREFIX + hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=_BYTES).hexdigest()

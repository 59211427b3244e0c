"""The text parts of an age file: how it is recognised, its header, and its ASCII armor.

Pure. The format is specified at https://age-encryption.org/v1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

FIRST_LINE = b"age-encryption.org/v1\n"
ARMOR = b"-----BEGIN AGE ENCRYPTED FILE-----"
ARMOR_END = b"-----END AGE ENCRYPTED FILE-----"

LARGEST_HEADER = 1 << 20
"""The most bytes that a header may have: more than a thousand recipients need."""

_COLUMNS = 64
_MAC = b"---"


class NotAge(ValueError):
    """A header or an armor that is not as the specification says."""


@dataclass(frozen=True)
class Stanza:
    """One way to unlock a file: its type, its arguments, and its body."""

    kind: str
    arguments: tuple[str, ...]
    body: bytes


@dataclass(frozen=True)
class AgeHeader:
    """A file's header: its stanzas, its MAC, and the bytes that the MAC is of."""

    stanzas: tuple[Stanza, ...]
    mac: bytes
    signed: bytes


def is_age(head: bytes) -> bool:
    """Return whether a file that begins with these bytes (at least the first 100) is an age file, armored or not."""
    return head.startswith(FIRST_LINE[:19]) or is_armored(head)


def is_armored(head: bytes) -> bool:
    """Return whether a file that begins with these bytes is an ASCII-armored age file."""
    return head.lstrip().startswith(ARMOR)


def header_length(data: bytes) -> int:
    """Return the length of the header at the beginning of some bytes, or 0 if its end is not among them."""
    start = data.find(b"\n" + _MAC + b" ")
    return data.find(b"\n", start + 1) + 1 if start >= 0 else 0


def parsed(data: bytes) -> AgeHeader:
    """Return the header that these bytes are, from the first line to the end of the MAC. Raises NotAge."""
    if not data.startswith(FIRST_LINE):
        raise NotAge("it is not of version 1 of the format")
    signed = data[: data.rindex(b"\n" + _MAC + b" ") + 1 + len(_MAC)]
    lines = signed.decode("ascii", "replace").splitlines()[1:-1]
    stanzas: list[Stanza] = []
    while lines:
        mark, *words = lines.pop(0).split(" ")
        if mark != "->" or not words:
            raise NotAge("its header is damaged")
        body = ""
        while lines:
            line = lines.pop(0)
            body += line
            if len(line) < _COLUMNS:
                break
        stanzas.append(Stanza(words[0], tuple(words[1:]), decoded(body)))
    mac = data[len(signed) + 1 :].rstrip(b"\n").decode("ascii", "replace")
    return AgeHeader(tuple(stanzas), decoded(mac), signed)


def written(stanzas: Sequence[Stanza], mac_key: bytes) -> bytes:
    """Return a header with these stanzas."""
    text = ""
    for one in stanzas:
        body = encoded(one.body)
        lines = [body[start : start + _COLUMNS] for start in range(0, len(body) + 1, _COLUMNS)]
        text += "\n".join([" ".join(["->", one.kind, *one.arguments]), *lines]) + "\n"
    signed = FIRST_LINE + text.encode("ascii") + _MAC
    return signed + b" " + encoded(mac_of(signed, mac_key)).encode("ascii") + b"\n"


def mac_of(signed: bytes, mac_key: bytes) -> bytes:
    """Return the MAC of a header's bytes."""
    return hmac.digest(mac_key, signed, hashlib.sha256)


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """Return a key of 32 bytes by HKDF-SHA256 (RFC 5869)."""
    extracted = hmac.digest(salt or bytes(32), secret, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def encoded(data: bytes) -> str:
    """Return bytes in base64 without padding, as in headers."""
    return base64.b64encode(data).decode("ascii").rstrip("=")


def decoded(text: str) -> bytes:
    """Return the bytes of base64 without padding. Raises NotAge, also for other ways to write the same bytes."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise NotAge("its header is damaged") from error
    if encoded(data) != text:
        raise NotAge("its header is damaged")
    return data

"""Records of the writes to a folder: small files that make parts count, or no longer count.

The state of a folder is what all its records say together, in any order. So two machines that write at once, because a
program that synchronises the folder knows no locks, destroy nothing: both records count. `after` names the records
that a write had seen; if two of them have seen the same, the next write joins them.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from ..shapes import WrongShapeError, integer, mapping, sequence, text

VERSION = 1
"""The version of the records, the parts and their lines. A higher one is refused with a sentence."""

PART = re.compile(r"\d{4}-\d\d/(calls|content|digests|graves|threads)-([0-9a-f]{20})-\d{4,9}\.jsonl", re.ASCII)
NAME = re.compile(r"(\d{12})-([0-9a-f]{20})\.json", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LONGEST_NAME = 1000


class NewerVersionError(WrongShapeError):
    """The record was written by a newer version of this package."""


@dataclass(frozen=True)
class Added:
    """A part that counts from now on: its name, its size in bytes, and the SHA-256 of all of it."""

    part: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Removed:
    """A document that was removed, so that a copy in a part that another machine wrote at the same time doesn't count.

    `number` and `token` are those of the write, and `day` is when it was.
    """

    kind: str
    key: str
    number: int
    token: str
    day: str


@dataclass(frozen=True)
class WriteRecord:
    """One write. `drops` has the parts that no longer count, and the day on which they were dropped.

    `replaces` names records that this one contains, so that they can be removed.
    """

    number: int
    token: str
    machine: str = ""
    time: str = ""
    after: tuple[str, ...] = ()
    adds: tuple[Added, ...] = ()
    drops: dict[str, str] = field(default_factory=dict)
    removed: tuple[Removed, ...] = ()
    replaces: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.number:012}-{self.token}.json"


def class_of(part: str) -> str:
    """Return the class of a part from its name."""
    found = PART.fullmatch(part)
    return found[1] if found else ""


def written(record: WriteRecord) -> bytes:
    """Return the contents of a record's file. Keys of documents may have halves of characters: JSON escapes them."""
    return json.dumps({"version": VERSION, **asdict(record)}, indent=1).encode() + b"\n"


def read(name: str, contents: bytes) -> WriteRecord:
    """Return a record from its file. Raises WrongShapeError, or NewerVersionError if its version is not known."""
    try:
        whole = mapping(json.loads(contents))
    except (ValueError, RecursionError) as error:
        raise WrongShapeError("it is not JSON") from error
    if integer(whole.get("version")) > VERSION:
        raise NewerVersionError("it was written by a newer version")
    record = WriteRecord(
        integer(whole.get("number")),
        text(whole.get("token")),
        text(whole.get("machine")),
        text(whole.get("time")),
        tuple(_named(NAME, one) for one in sequence(whole.get("after"))),
        tuple(_added(mapping(one)) for one in sequence(whole.get("adds"))),
        {_named(PART, part): _named(_DAY, day) for part, day in mapping(whole.get("drops")).items()},
        tuple(_removed(mapping(one)) for one in sequence(whole.get("removed"))),
        tuple(_named(NAME, one) for one in sequence(whole.get("replaces"))),
    )
    if record.name != name:
        raise WrongShapeError("its name is not its own")
    return record


def _added(found: Any) -> Added:
    return Added(_named(PART, found.get("part")), integer(found.get("size")), text(found.get("sha256")))


def _removed(found: Any) -> Removed:
    day = _named(_DAY, found.get("day"))
    kind, key = text(found.get("kind")), text(found.get("key"))
    return Removed(kind, key, integer(found.get("number")), text(found.get("token")), day)


def _named(pattern: re.Pattern[str], found: object) -> str:
    """Return a name if it is one of ours. No other is ever opened, so no name leads out of the folder."""
    name = text(found)
    if len(name) > _LONGEST_NAME or not pattern.fullmatch(name):
        raise WrongShapeError("it names a file that doesn't belong to a remote")
    return name

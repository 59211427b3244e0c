"""The texts that went with prompts, as the index sees them: fragments, and text attachments that the log holds.

Each is indexed up to MOST characters, and once in a thread, however many prompts it went with.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..model import SIDES
from .log import Log
from .schema import statement

MOST = 200_000
"""The most characters of one text that are indexed."""

BETWEEN = "\n\n"
"""What stands between two texts that went with one prompt, where the index counts characters."""

FRAGMENT = SIDES.index("fragment")

_BINARY = 1_000
"""A null among this many first bytes of an attachment means that it is not a text, whatever its type says."""


class BesideText(NamedTuple):
    """A text that went with a prompt. Equal texts have the same key."""

    key: str
    text: str


def went_with(log: Log, turn_ids: Iterable[str]) -> dict[str, list[BesideText]]:
    """Return the texts that went with the prompts of turns, in order; those without any are left out."""
    found: dict[str, list[BesideText]] = {}
    for row in _rows(log, turn_ids, texts=True):
        found.setdefault(row["turn_id"], []).append(BesideText(row["key"], text_of(row["content"])))
    return found


def keys(log: Log, turn_ids: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys of the texts that went with the prompts of turns, in order, without reading them."""
    found: dict[str, list[str]] = {}
    for row in _rows(log, turn_ids, texts=False):
        found.setdefault(row["turn_id"], []).append(row["key"])
    return found


def _rows(log: Log, turn_ids: Iterable[str], *, texts: bool) -> list[dict[str, Any]]:
    """Return what went with turns of either generation of llm's tables."""
    asked = {"ids": json.dumps(list(turn_ids)), "texts": texts, "most": MOST}
    rows = log.rows(statement("went_with"), asked)
    sql = "select value from json_each(:ids) where value not in (select id from turns)"
    older = [id_ for (id_,) in log.tuples(sql, {"ids": asked["ids"]})]
    if older and log.columns("prompt_fragments"):
        rows += log.rows(statement("went_with_response"), asked | {"ids": json.dumps(older)})
    return rows


def text_of(content: object) -> str:
    """Return the stored text of a fragment, or the stored bytes of an attachment as text, as far as it is indexed."""
    if not isinstance(content, bytes):
        return str(content or "")
    return "" if b"\x00" in content[:_BINARY] else content.decode("utf-8", "replace")[:MOST]


def joined(texts: Iterable[BesideText]) -> str:
    """Return the texts that went with one prompt as one text, in which the index counts characters."""
    return BETWEEN.join(one.text for one in texts)


def indexed_before(log: Log, thread_id: str, number: int, asked: Collection[str]) -> frozenset[str]:
    """Return which of some keys the index of a thread has already, through a turn that is not undone."""
    if not asked:
        return frozenset()
    files = any(key.startswith("attachment ") for key in asked)
    given = {"thread_id": thread_id, "number": number, "keys": json.dumps(list(asked)), "files": files}
    return frozenset(key for (key,) in log.tuples(statement("went_with_before"), given))


def lacking(log: Log, number: int, there: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the turns with texts (`keys`) that have no passage in the index of a thread, in order."""
    sql = (
        "select distinct turn_id from memory_passages where side = :side and thread = :number"
        " and turn_id in (select value from json_each(:ids))"
    )
    given = {"side": FRAGMENT, "number": number, "ids": json.dumps(list(there))}
    has = {turn_id for (turn_id,) in log.tuples(sql, given)}
    return sorted(there.keys() - has)

"""How an answer gets to the remote: in the transaction that makes its item done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...model.jobs import Item
from ...model.remotes import Digest, Document
from ..postgres.job_board import Board


def keep(board: Board, item: Item, made: Sequence[Document], values: Mapping[str, Any]) -> None:
    """Put the answer of an item on the remote and make the item done, both or neither.

    Raises AlreadyDone if another worker was faster, and RemoteFailed.
    """
    with board.writing() as writing:
        board.done(item, values)
        places = board.places({one.thread_id for one in made if one.kind == "turn"})
        writing.put(replace(one, place=one.place + places.get(one.thread_id, 0)) if one.place else one for one in made)
        board.count(digests(made))


def digests(made: Sequence[Document]) -> dict[tuple[str, str], Digest]:
    """Return what some new documents add to the digests of the remote, by bucket and thread."""
    found: dict[tuple[str, str], Digest] = {}
    for one in made:
        if one.bucket:
            amount, value = found.get((one.bucket, one.thread_id), Digest(0, 0))
            found[one.bucket, one.thread_id] = Digest(amount + 1, value ^ one.stamp)
    return found

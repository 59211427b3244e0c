"""Items of a job that wait in a temporary file: they are made before the log is locked to keep them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..model.jobs import Item

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class SpooledItems:
    """Items that are written down one after the other, then read in the same order. A context manager."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115  closed at the end of the context
        self.count = 0

    def add(self, item: Item) -> None:
        """Write down an item that was not asked yet."""
        self._file.write(json.dumps([item.position, item.key, item.input, item.id, item.model]) + "\n")
        self.count += 1

    def __iter__(self) -> Iterator[Item]:
        self._file.seek(0)
        for line in self._file:
            position, key, given, id_, model = json.loads(line)
            yield Item("", position, key, given, id=id_, model=model)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

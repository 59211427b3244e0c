"""A remote without tables, as one that has nothing: for a status, a pull and a dry run before the first push."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager

from ..errors import RemoteFailed
from ..model.remotes import Condition, Digest, Document, Listed, Remote, Stamp, Writing


class NothingYet:
    """What is read of a remote that nothing was ever pushed to. See `model.remotes.Remote`."""

    def __init__(self, remote: Remote, condition: Condition) -> None:
        self._remote, self._condition = remote, condition

    @property
    def place(self) -> str:
        """Where it is."""
        return self._remote.place

    def condition(self) -> Condition:
        """Return what a test found."""
        return self._condition

    def prepare(self) -> None:
        """Make the remote's tables."""
        self._remote.prepare()

    def buckets(self) -> dict[str, Digest]:
        """Return none."""
        return {}

    def digests(self, buckets: Collection[str]) -> Iterator[tuple[str, str, Digest]]:  # noqa: ARG002  as the protocol has it
        """Yield none."""
        return iter(())

    def stamps(self, threads: Collection[str]) -> Iterator[Stamp]:  # noqa: ARG002  as the protocol has it
        """Yield none."""
        return iter(())

    def tombstones(self, buckets: Collection[str]) -> Iterator[Document]:  # noqa: ARG002  as the protocol has it
        """Yield none."""
        return iter(())

    def documents(self, kind: str, keys: Collection[str]) -> Iterator[Document]:  # noqa: ARG002  as the protocol has it
        """Yield none."""
        return iter(())

    def threads_with(self, turns: Collection[str]) -> dict[str, str]:  # noqa: ARG002  as the protocol has it
        """Return none."""
        return {}

    def listed(self, threads: Collection[str] | None = None) -> Iterator[Listed]:  # noqa: ARG002  as the protocol has it
        """Yield none."""
        return iter(())

    def writing(self) -> AbstractContextManager[Writing]:
        """Raise RemoteFailed."""
        raise RemoteFailed("Nothing has been pushed to this remote yet.", "Push to it first.")

    def close(self) -> None:
        """End the connection."""
        self._remote.close()

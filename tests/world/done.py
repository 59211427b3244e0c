"""What llm's command gives to a test, in this process or in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """The result of a command: what it printed on each stream, and its exit code."""

    out: str
    err: str
    code: int

    def ok(self) -> Done:
        """Return itself if the command succeeded."""
        assert self.code == 0, f"exit code {self.code}\n{self.out}\n{self.err}"
        return self


Command = Callable[..., Done]

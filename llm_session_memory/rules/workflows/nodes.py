"""A workflow's file as values that know their lines, and what is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import SessionError
from ..words import counted


@dataclass(frozen=True)
class Node:
    """A value of the file: a text, number, truth or nothing, a tuple of nodes, or a mapping as a tuple of pairs.

    `line` is the one in which it begins, from 1. `text_line` is the line in which a text itself begins, which is the
    next one if the text is a block (`|`).
    """

    value: Any
    line: int
    mapping: bool = False
    text_line: int = 0

    @property
    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.value, tuple) and not self.mapping

    @property
    def kind(self) -> str:
        """What it is, in words."""
        if self.mapping:
            return "a mapping"
        if self.value is None:
            return "empty"
        words = {bool: "true or false", int: "a number", float: "a number", str: "a text", tuple: "a list"}
        return words[type(self.value)]

    def plain(self) -> Any:
        """Return the value without lines."""
        if self.mapping:
            return {str(key.value): value.plain() for key, value in self.value}
        return [one.plain() for one in self.value] if self.is_list else self.value


@dataclass(frozen=True)
class Mistake:
    """Something that is wrong with a workflow: what, what to do about it, and the line, or 0 for the whole file."""

    message: str
    hint: str
    line: int

    def told(self, where: str) -> str:
        """Return it as a sentence. `where` is the name of the file."""
        place = f"Line {self.line:,} of {where}" if self.line else where
        return f"{place}: {self.message} {self.hint}".rstrip()


class WorkflowRefused(SessionError):
    """A workflow that can't be run. `mistakes` are the sentences about it, in the order of the lines."""

    def __init__(self, message: str, hint: str = "", mistakes: tuple[str, ...] = ()) -> None:
        super().__init__(message, hint)
        self.mistakes = mistakes


def refused(found: list[Mistake], where: str) -> WorkflowRefused:
    """Return the error about what was found in a file. `where` is the name of the file."""
    said = tuple(dict.fromkeys(one.told(where) for one in sorted(found, key=lambda one: one.line)))
    if len(said) == 1:
        return WorkflowRefused(said[0], mistakes=said)
    return WorkflowRefused(f"{where} has {counted(len(said), 'mistake')}.", "Nothing was sent.", said)

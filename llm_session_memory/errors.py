"""The one family of errors, and nothing else.

Each error is a sentence: what happened, to what; and a hint: what to do next. The commands and the seam turn the
family into output at one door each; nothing else prints or exits.
"""

from __future__ import annotations


class SessionError(Exception):
    """Something a person can understand and act upon.

    `message` says what happened, to what. `hint` says what to do next, or is empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class NoSuchSession(SessionError):
    """A name, id or number that stands for nothing in this log."""


class NameRefused(SessionError):
    """A session name that breaks the rules, or that another session has."""


class OverBudget(SessionError):
    """What was asked for does not fit: always told with both figures."""


class LogUnusable(SessionError):
    """The log file is missing, locked, read-only, damaged, or of a shape that is not known here."""


class SeamBroken(SessionError):
    """The installed llm is built differently from what the seam relies on."""


class ModelFailed(SessionError):
    """The model, or the server behind it, did not finish its reply."""

"""All errors of this package.

Each error has a message, which says what happened and to what, and a hint, which says what to do next. Some also say
what became of the log: that is their outcome. The commands and the llm seam each have one place that prints these
errors; no other code prints or exits.
"""

from __future__ import annotations


class SessionError(Exception):
    """An error that a person can understand and act upon.

    `message` says what happened, and to what. `hint` says what to do next, or is empty. `outcome` says what was done
    all the same, or that nothing was; a caller that has done more before gives the error another one.
    """

    def __init__(self, message: str, hint: str = "", outcome: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.outcome = outcome

    @property
    def advice(self) -> str:
        """The hint and the outcome, in the order in which they are read."""
        first, then = self.hint, self.outcome
        if not first.endswith((".", "?")):  # it ends with a command, and what follows would be copied with it
            first, then = then, first
        return f"{first} {then}".strip()

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class NoSuchSession(SessionError):
    """The given name, id or number does not exist in this log."""


class NoSuchJob(SessionError):
    """The given name or id is that of no job in this log, or of several."""


class AlreadyDone(SessionError):
    """Another process has answered this item of a job, so its answer is not logged a second time."""


class NameRefused(SessionError):
    """A session name that breaks the rules, or that another session already has."""


class RemoteFailed(SessionError):
    """A remote that can't be reached, refuses something, or has tables that this version doesn't know."""


class OverBudget(SessionError):
    """The request doesn't fit; the message gives both figures."""


class TooExpensive(SessionError):
    """The request would cost more than a budget in dollars leaves; the message gives both figures."""


class LogUnusable(SessionError):
    """The log file is missing, locked, read-only, damaged, or has tables that this version doesn't know."""


class SeamBroken(SessionError):
    """The installed llm differs from what the seam relies on."""


class ModelFailed(SessionError):
    """A model, or the server behind it, that did not finish its reply."""

"""What PostgreSQL's errors mean, in plain sentences without secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...errors import RemoteFailed
from ...rules.safe_text import one_line

if TYPE_CHECKING:
    import psycopg

_DETAIL_LENGTH = 200
_WHERE_FROM = "See where it comes from: llm sessions remote show NAME"
_CHANGED_NOTHING = "Nothing was changed."
_KEPT_NOTHING = "None of this was kept."


_BY_STATE: dict[str, tuple[str, ...]] = {
    "28P01": ("{site} refuses the password.", _WHERE_FROM),
    "28000": ("{site} does not let this role connect.", "Ask whoever runs the server."),
    "3D000": ("The server has no such database: {site}.", "Create it: createdb NAME"),
    "3F000": ("There is nothing at {site} yet.", "Send conversations there: llm sessions push NAME"),
    "42P01": ("There is nothing at {site} yet.", "Send conversations there: llm sessions push NAME"),
    "42501": ("The role has no right to do this at {site}.", "Ask whoever runs the server."),
    "25006": ("{site} is read-only.", "Give the address of a server that can be written to."),
    "53100": ("The disk of the server is full: {site}.", "Free some space there, then try again.", _KEPT_NOTHING),
    "53300": ("The server has too many connections: {site}.", "Try again later."),
    "55P03": ("Another machine has been writing to {site} for too long.", "Try again later.", _CHANGED_NOTHING),
    "57014": (
        "The server ended this because it took too long: {site}.",
        "Raise statement_timeout for this role there.",
    ),
    "57P03": ("The server is starting or stopping: {site}.", "Try again in a moment."),
    "54000": ("Something is too large for PostgreSQL: {site}.", "", _KEPT_NOTHING),
    "0A000": ("The server lacks something: {site}.", "PostgreSQL 13 or newer is needed."),
}
"""Message, hint and outcome by the code of an error (PostgreSQL's manual, appendix A)."""

_LOST = ("The connection to {site} broke off.", "Try again.", "Anything unfinished was not kept.")
_BY_CLASS: dict[str, tuple[str, ...]] = {
    "08": _LOST,
    "40": ("Another machine changed the same thing at {site}.", "Try again.", _CHANGED_NOTHING),
    "53": ("The server has no space or memory left: {site}.", "Try again later.", _KEPT_NOTHING),
    "57": _LOST,
}
"""Likewise, by the first two characters of the code."""

_BY_TEXT: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"password authentication failed", _BY_STATE["28P01"]),
    (r"no password supplied", ("{site} asks for a password.", _WHERE_FROM)),
    (r"no pg_hba\.conf entry", _BY_STATE["28000"]),
    (r'role ".*" does not exist', _BY_STATE["28000"]),
    (r'database ".*" does not exist', _BY_STATE["3D000"]),
    (r"too many (clients|connections)|remaining connection slots", _BY_STATE["53300"]),
    (
        r"does not support SSL|SSL was required|server does not support",
        ("{site} has no TLS, but the address asks for it.", "Turn TLS on there, or choose another sslmode."),
    ),
    (
        r"certificate|SSL error|tlsv?1|root\.crt",
        ("The TLS certificate of {site} can't be trusted.", "See sslmode and sslrootcert in PostgreSQL's manual."),
    ),
    (
        r"could not translate host name|failed to resolve host",
        ("There is no server of this name: {site}.", "Check the address."),
    ),
    (r"the database system is", _BY_STATE["57P03"]),
    (r"server closed the connection|connection already closed|connection is closed|terminating connection", _LOST),
)
"""Errors that carry no code, because the connection was not made or broke off."""

_UNREACHED = ("{site} can't be reached.", "Check that the server is running and that the network lets you through.")


def failed(error: psycopg.Error, site: str) -> RemoteFailed:
    """Return an error of psycopg as one with a plain sentence."""
    import psycopg

    state = error.sqlstate or ""
    if error.diag.source_function == "ExecWithCheckOptions":
        return RemoteFailed(
            f"A rule at {site} doesn't let this role write one of these conversations.",
            "Ask whoever runs the server, or choose sessions with -s or --project.",
            "Nothing in this batch was sent.",
        )
    text = str(error)
    found = _BY_STATE.get(state) or _BY_CLASS.get(state[:2])
    if found is None and not state:
        found = next((said for pattern, said in _BY_TEXT if re.search(pattern, text, re.IGNORECASE)), None)
        if found is None and isinstance(error, psycopg.OperationalError):
            found = _UNREACHED
    if found is not None:
        return RemoteFailed(found[0].format(site=site), *found[1:])
    detail = one_line(error.diag.message_primary or type(error).__name__)[:_DETAIL_LENGTH]
    return RemoteFailed(f"{site} answered: {detail}.", outcome=_KEPT_NOTHING)

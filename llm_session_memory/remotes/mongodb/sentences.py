"""What goes wrong with a MongoDB server, in sentences without a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from ...errors import RemoteFailed
from ...rules.safe_text import one_line
from ..shapes import WrongShapeError

_WRONG_PASSWORD, _NO_RIGHT, _TOO_LONG, _ATLAS_WRONG_PASSWORD = 18, 13, 50, 8000
_SECRET = re.compile(r"//([^:@/]*):([^@]*)@")
_LONGEST = 300


def without_secrets(uri: str) -> str:
    """Return an address without its password and without its options, because some of these are secrets."""
    return one_line(_SECRET.sub(r"//\1@", uri).partition("?")[0], _LONGEST)


@contextmanager
def in_sentences(uri: str) -> Iterator[None]:
    """Turn the driver's errors into sentences."""
    try:
        import pymongo  # noqa: F401  # first, so that its absence shows
        from bson.errors import BSONError
        from pymongo.errors import PyMongoError
    except ImportError as error:
        message = "MongoDB needs the package pymongo, which is not installed."
        raise RemoteFailed(message, "Install it with: llm install 'llm-session-memory[mongodb]'") from error
    try:
        yield
    except (PyMongoError, BSONError) as error:
        raise _sentence(uri, error) from error
    except WrongShapeError as error:
        site = without_secrets(uri)
        message = f"A document at {site} can't be read: {_said(uri, error)}."
        raise RemoteFailed(message, "Somebody changed it. Remove it there, then push again.") from error


def _sentence(uri: str, error: Exception) -> RemoteFailed:
    from pymongo import errors

    site, said, code = without_secrets(uri), _said(uri, error), getattr(error, "code", None)
    if isinstance(error, errors.BulkWriteError):
        said, code = _of_bulk(uri, error)
    if code in (_WRONG_PASSWORD, _ATLAS_WRONG_PASSWORD):
        return RemoteFailed(f"{site} refuses this user or password.", "Check the address and the key it names.")
    if code == _NO_RIGHT:
        message = f"{site} doesn't allow this user to do that: {said}."
        return RemoteFailed(message, "Ask for a role that can read and write there, such as readWrite.")
    if code == _TOO_LONG or isinstance(error, errors.NetworkTimeout | errors.ExecutionTimeout):
        return RemoteFailed(f"{site} took too long to answer.", "Try again later.")
    if isinstance(error, errors.ConfigurationError | errors.InvalidName):  # InvalidURI is one of the first
        return _unusable(site, said)
    if isinstance(error, errors.ConnectionFailure):
        return RemoteFailed(f"{site} can't be reached: {said}.", "Check the address, and that the server is running.")
    return RemoteFailed(f"{site} refused a request: {said}.", "Try again later.", "Nothing was changed.")


def _unusable(site: str, said: str) -> RemoteFailed:
    if "wire version" in said:
        message = f"{site} is too old for the installed pymongo: {said}."
        return RemoteFailed(message, "Update the server, or install an older pymongo.")
    return RemoteFailed(f"{site} is not a usable address: {said}.", "Correct it: mongodb://HOST/DATABASE")


def _said(uri: str, error: Exception) -> str:
    """Return the driver's words on one line, without what may hold a secret."""
    first = re.split(r", full error:|, Timeout:| \(configured timeouts:", str(error), maxsplit=1)[0]
    words = one_line(first, _LONGEST).rstrip(".")
    found = _SECRET.search(uri)
    for secret in (found[2], unquote(found[2])) if found else ():
        words = words.replace(secret, "…") if secret else words
    return words


def _of_bulk(uri: str, error: Exception) -> tuple[str, int | None]:
    details = getattr(error, "details", None) or {}
    first: dict[str, Any] = next(iter(details.get("writeErrors") or details.get("writeConcernErrors") or ()), {})
    return _said(uri, Exception(first.get("errmsg", str(error)))), first.get("code")

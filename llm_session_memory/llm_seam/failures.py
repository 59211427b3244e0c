"""Read the errors of models: whether a failed call may succeed later, and whether the next ones would fail too.

Each plugin raises the errors of its provider's library. They are known here by their form, so that no such library is
imported: an HTTP status, a Retry-After header, the usual names of classes, or the words of a message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from ..errors import LogUnusable, ModelFailed, SessionError, TooExpensive
from ..rules.safe_text import one_line

_LONGEST = 500
"""How many characters of an error are kept with an item."""

_DEPTH = 8
"""How many causes of an error are looked at."""

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses after which the same request may succeed; 52x are those of proxies, 529 is “overloaded”."""

_FOR_ALL = frozenset({401, 402, 403})
"""HTTP statuses that the next requests would get too: the key is wrong, or nothing is left to pay with."""

_NO_REPLY = frozenset(
    "ConnectionError TimeoutError Timeout ConnectTimeout ReadTimeout TransportError APIConnectionError APITimeoutError"
    " ServiceUnavailableError ClientConnectionError ServerDisconnectedError IncompleteRead ChunkedEncodingError".split()
)
"""Names of classes for requests that got no reply, or only a part of one."""

_BUSY = frozenset("RateLimitError OverloadedError InternalServerError ResourceExhausted TooManyRequests".split())

_KEY = frozenset("NeedsKeyException AuthenticationError PermissionDeniedError".split())

_SPENT = re.compile(r"insufficient[_ ]quota|exceeded your current quota|credit balance|billing", re.IGNORECASE)

_STATUS = re.compile(r"\b(?:status|code|error|http)\b\W{0,4}(?:code\W{0,4})?([45]\d\d)\b", re.IGNORECASE)

_WORDS = re.compile(
    r"rate.?limit|too many requests|overloaded|temporarily|timed? ?out|try again|server (?:is )?busy"
    r"|connection (?:was |is )?(?:refused|reset|aborted|error|closed|lost)|could not connect|failed to connect",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Failure:
    """What a failed call means.

    Attributes:
        sentence: What went wrong, on one line.
        again: Whether the same request may succeed later.
        replied: Whether the server replied; if not, it may be out of reach for all requests.
        busy: Whether the server asked for fewer requests.
        wait: How many seconds the server asked to wait, or None.
        for_all: Whether the other prompts of the job would fail in the same way.
    """

    sentence: str
    again: bool = False
    replied: bool = True
    busy: bool = False
    wait: float | None = None
    for_all: bool = False


def read(error: BaseException, now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)) -> Failure:
    """Return what an error means, by itself and by its causes."""
    sentence = _sentence(error)
    if isinstance(error, (TooExpensive, LogUnusable)):
        return Failure(sentence, for_all=True)
    causes = list(_causes(error))
    names = {kind.__name__ for one in causes for kind in type(one).__mro__}
    if names & _KEY:
        return Failure(sentence, for_all=True)
    if isinstance(error, SessionError) and not isinstance(error, ModelFailed):
        return Failure(sentence)  # it was not sent, and would not be
    text = " ".join(str(one) for one in causes)[: _LONGEST * 10]
    status = next(filter(None, map(_status, causes)), None)
    no_reply = status is None and bool(names & _NO_REPLY)
    if status is None and not no_reply:
        written = _STATUS.search(text)
        status = int(written[1]) if written else None
    for_all = status in _FOR_ALL or (status is not None and bool(_SPENT.search(text)))
    again = status in _AGAIN if status is not None else no_reply or bool(names & _BUSY or _WORDS.search(text))
    headers = [found for one in causes if (found := _headers(one)) is not None]
    if any(_header(one, "x-should-retry") == "false" for one in headers):
        again = False
    wait = next((found for one in headers if (found := _wait(one, now())) is not None), None)
    busy = status in (429, 529) or wait is not None or bool(names & _BUSY)
    return Failure(sentence, again and not for_all, not no_reply, busy and again, wait if again else None, for_all)


def _sentence(error: BaseException) -> str:
    """Return an error as one line: our own with what to do, another one with its class if it says little itself."""
    if isinstance(error, SessionError):
        return one_line(str(error), _LONGEST)
    said = str(error).strip()
    return one_line(said if " " in said else f"{type(error).__name__}: {said}".rstrip(": "), _LONGEST)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it."""
    one: BaseException | None = error
    for _ in range(_DEPTH):
        if one is None:
            return
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that an error has, or that its response has."""
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            found = getattr(holder, name, None)
            if isinstance(found, int) and not isinstance(found, bool) and 100 <= found < 600:  # noqa: PLR2004  HTTP's
                return found
    code = getattr(error, "code", None)  # urllib's
    return code if isinstance(code, int) and 400 <= code < 600 else None  # noqa: PLR2004  HTTP's


def _headers(error: BaseException) -> Any:
    return getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)


def _header(headers: Any, name: str) -> str | None:
    """Return a header's value, however it is written; None if it is not there, or if these are not headers."""
    try:
        pairs = {str(key).lower(): value for key, value in dict(headers).items()}
    except (TypeError, ValueError):
        return None
    return str(pairs[name]).strip() if name in pairs else None


def _wait(headers: Any, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header: a number, or a date (RFC 9110, 10.2.3); or of OpenAI's in ms."""
    exact = _header(headers, "retry-after-ms")
    given = _header(headers, "retry-after") if exact is None else exact
    if given is None:
        return None
    try:
        return max(0.0, float(given) / (1 if exact is None else 1000))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(given)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())

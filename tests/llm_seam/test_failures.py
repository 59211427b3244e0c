"""What the errors of models mean for a job."""

from __future__ import annotations

import urllib.error
from datetime import datetime, timezone
from email.message import Message
from typing import Any

import httpx
import llm
import pytest

from llm_session_memory.errors import ModelFailed, OverBudget, SessionError
from llm_session_memory.llm_seam.failures import Failure, read

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=timezone.utc)


def _http(status: int, text: str = "No.", **headers: str) -> Exception:
    """Return an error of httpx."""
    request = httpx.Request("POST", "https://api.example/v1")
    response = httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})
    return httpx.HTTPStatusError(text, request=request, response=response)


def _url(status: int, after: str) -> Exception:
    headers = Message()
    headers["Retry-After"] = after
    return urllib.error.HTTPError("https://api.example", status, "Busy", headers, None)


def _read(error: BaseException) -> Failure:
    """Read an error as the seam raises it: one of ours, caused by it."""
    failed = ModelFailed(str(error) or "It failed.")
    failed.__cause__ = error
    return read(failed, lambda: NOW)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (_http(429, Retry_After="12"), {"again": True, "busy": True, "wait": 12.0}),
        (_http(503, Retry_After="Sat, 28 Nov 2026 12:00:30 GMT"), {"again": True, "busy": True, "wait": 30.0}),
        (_http(429, retry_after_ms="1500", Retry_After="2"), {"again": True, "busy": True, "wait": 1.5}),
        (_http(429, Retry_After="soon"), {"again": True, "busy": True, "wait": None}),
        (_url(503, "3"), {"again": True, "busy": True, "wait": 3.0}),
        (_http(500), {"again": True, "busy": False}),
        (_http(500, x_should_retry="false"), {"again": False}),
        (_http(400), {"again": False, "for_all": False}),
        (_http(404, Retry_After="5"), {"again": False, "wait": None}),
        (_http(401), {"again": False, "for_all": True}),
        (_http(429, "You exceeded your current quota (insufficient_quota)"), {"again": False, "for_all": True}),
        (httpx.ConnectError("All connection attempts failed"), {"again": True, "replied": False}),
        (httpx.ReadTimeout("timed out"), {"again": True, "replied": False}),
        (ConnectionResetError(104, "Connection reset by peer"), {"again": True, "replied": False}),
        (llm.ModelError("Error code: 529 - {'type': 'overloaded_error'}"), {"again": True, "busy": True}),
        (llm.ModelError("Rate limit reached for requests"), {"again": True, "for_all": False}),
        (llm.ModelError("Error 400: at most 512 tokens"), {"again": False}),
        (llm.ModelError("It has 500 words"), {"again": False}),
        (llm.NeedsKeyException("No key found"), {"again": False, "for_all": True}),
        (ValueError("bad"), {"again": False, "for_all": False}),
    ],
    ids=str,
)
def test_an_error_is_read(error: BaseException, expected: dict[str, Any]) -> None:
    """Statuses, headers, classes and words say whether to ask again, when, and whether others would fail too."""
    found = _read(error)
    assert {name: getattr(found, name) for name in expected} == expected


def test_what_was_not_sent_is_not_tried_again() -> None:
    """A prompt that doesn't fit, or an option that is wrong, fails the same way each time, whatever its words."""
    assert not read(OverBudget("It doesn't fit.", "Try again with less.")).again
    assert read(SessionError("No model “x”.", "See them with: llm models")).sentence == (
        "No model “x”. See them with: llm models"
    )


def test_a_sentence_is_one_short_line() -> None:
    """An error is kept on one line, with its class if it says little itself."""
    assert read(KeyError("choices")).sentence == "KeyError: 'choices'"
    assert read(ValueError()).sentence == "ValueError"
    long = read(ValueError("no\x1b[31m\n" + "no " * 9_000)).sentence
    assert (len(long) <= 500, "\n" in long, "\x1b" in long) == (True, False, False)


def test_causes_that_go_round_are_read_once() -> None:
    """An error that is its own cause is read to an end."""
    error = ValueError("bad idea")
    error.__context__ = KeyError("x")
    error.__context__.__context__ = error
    assert not read(error).again

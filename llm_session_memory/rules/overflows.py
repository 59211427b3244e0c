"""Recognise the error of a server for a request that is longer than the context window, and say what helps. Pure."""

from __future__ import annotations

import re

from ..model import Context
from ..model.frozen import dataclass
from .windows import positive

_LEAST = 256
"""A smaller window in an error is a mistake: some versions of vLLM name what is left of it."""


@dataclass(frozen=True)
class Overflow:
    """The context window that an error names, and the server's count of the request (None: it gave none), in tokens."""

    window: int
    needed: int | None = None


_WINDOW = re.compile(
    r"""["']n_ctx["']: ?(\d+)"""  # llama.cpp's server, and Ollama
    r"|available context size \((\d+)"
    r"|n_keep: ?\d+ ?>= ?n_ctx: ?(\d+)"  # LM Studio
    r"|loaded with context length of only (\d+)"
    r"|maximum context length (?:is|of) (\d+)"  # OpenAI, vLLM, llama-cpp-python
)
_NEEDED = re.compile(
    r"""["']n_prompt_tokens["']: ?(\d+)"""
    r"|request \((\d+) tokens\) exceeds"
    r"|n_keep: ?(\d+)"
    r"|keep the first (\d+) tokens"
    r"|(?:resulted in|requested|contains at least|has) (\d+) (?:input )?tokens"
)


def overflow(error: str) -> Overflow | None:
    """Return what an error says of the context window, or None if it is another error.

    The words are those of llama.cpp's server, LM Studio, Ollama, vLLM, llama-cpp-python and OpenAI.
    """
    window = _number(_WINDOW, error)
    if window is None or window < _LEAST:
        return None
    needed = _number(_NEEDED, error)
    return Overflow(window, needed if needed and needed > window else None)


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return next((positive(group) for group in match.groups() if group), None) if match else None


def told(found: Overflow, sent: Context) -> str:
    """Return what to say of a refused request that was sent as `sent`, up to the command that helps, if one does.

    If the request was to fit in that window, its estimate was too low, and only a smaller budget helps: see `smaller`.
    """
    had = f"had {found.needed:,} tokens" if found.needed else "was too long"
    what = f"the request {had}, and the server's context window is {found.window:,} tokens"
    if smaller(found, sent):
        return f"{what}. It was estimated at {sent.tokens:,}. Make requests smaller with:"
    if sent.block.oversized:
        return f"{what}. Shorten the prompt, or start the server with a larger context window."
    return f"{what}. The next request will be made to fit."


def smaller(found: Overflow, sent: Context) -> int | None:
    """Return the budget in tokens under which the request would have fit, or None if knowing the window is enough."""
    limit = sent.budget
    known = limit.window.tokens is not None and limit.window.tokens <= found.window
    if sent.block.oversized or not (known or limit.tokens <= found.window - limit.room):
        return None
    rate = sent.tokens / found.needed if found.needed else 0.5
    return max(100, int(min(limit.tokens, found.window - limit.room) * rate) // 100 * 100)

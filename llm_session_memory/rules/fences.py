"""Material: earlier conversation that a model is given to read, and not to obey.

Pure. What people, models, tools and web pages wrote stands between two lines of equal signs. No text can end the fence
that it stands in, because none keeps a run of equal signs that is as long as the fence's.
"""

from __future__ import annotations

import re

FENCE = "=" * 12

_RUN = re.compile("={4,}")


def fenced(text: str) -> str:
    """Return `text` between two lines of equal signs, the only ones of their length."""
    return f"{FENCE}\n{unfenced(text)}\n{FENCE}"


def unfenced(text: str) -> str:
    """Return `text` with all runs of more than three equal signs cut to three."""
    return _RUN.sub("===", text)


def speech(who: str, text: str) -> str:
    """Return what somebody said, all lines but the first indented: none can pass for what another one said."""
    return f"{who}: " + "\n  ".join(unfenced(text).strip().splitlines())

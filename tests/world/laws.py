"""How many examples a law is tried with: a few on every run, all of them if HYPOTHESIS_PROFILE is `ci`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

FEW = 8

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


def load() -> None:
    """Try laws without a number of their own with as many examples as the profile says, without a time limit."""
    settings.register_profile("quick", max_examples=FEW, deadline=None)
    settings.register_profile("ci", max_examples=100, deadline=None)
    settings.load_profile(PROFILE)


def tried(examples: int, few: int = FEW, **more: Any) -> settings:
    """Return the settings of a law that deserves this many examples, without a time limit.

    An ordinary run tries at most `few` of them: fewer than usual if one example is a whole session or a file.
    """
    return settings(max_examples=examples if PROFILE == "ci" else min(examples, few), deadline=None, **more)

"""How many examples a law is tried with: a few on every run, all of them where HYPOTHESIS_PROFILE is `ci`."""

from __future__ import annotations

import os

from hypothesis import settings

FEW = 60

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")


def load() -> None:
    """Let laws that name no number be tried with as many examples as the profile says, without a time limit."""
    settings.register_profile("quick", max_examples=FEW, deadline=None)
    settings.register_profile("ci", max_examples=100, deadline=None)
    settings.load_profile(PROFILE)


def tried(examples: int) -> settings:
    """Return the settings of a law that is worth so many examples; there is no time limit for any of them."""
    return settings(max_examples=examples if PROFILE == "ci" else min(examples, FEW), deadline=None)

"""Tests that need a tool that may be missing: they are skipped, and the end of the run says which and why."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

_REASON = re.compile(r"(?:Skipped: )?(?P<tool>.+?) is missing; install it with: (?P<how>.+)")


def needs(tool: str, found: object, how: str) -> pytest.MarkDecorator:
    """Return the mark for tests that need a tool; `how` is the command that installs it."""
    return pytest.mark.skipif(not found, reason=f"{tool} is missing; install it with: {how}")


def lines(reports: Iterable[Any]) -> Iterator[str]:
    """Yield one line for each tool that skipped tests need."""
    missed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for report in reports:
        reason = _REASON.fullmatch(report.longrepr[2]) if isinstance(report.longrepr, tuple) else None
        if reason:
            missed[reason["tool"], reason["how"]].append(report.nodeid.partition("::")[0])
    for (tool, how), places in missed.items():
        tests = f"{len(places)} test{'s' if len(places) > 1 else ''}"
        yield f"{tests} left out, {tool} is missing: {', '.join(sorted(set(places)))}. Install it with: {how}"

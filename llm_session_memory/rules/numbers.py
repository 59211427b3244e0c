"""Numbers of exchanges as people type them.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import SessionError

_RANGE = re.compile(r"#?(?P<first>[0-9]{1,9})(?:\s*[-–]\s*#?(?P<last>[0-9]{1,9}))?")


def parsed_ranges(text: str) -> list[tuple[int, int]]:
    """Return the first and the last number of each range in a text such as `12`, `12-14` or `12,14-16`.

    Raises SessionError.
    """
    found = [_RANGE.fullmatch(one.strip()) for one in text.split(",")]
    ranges = [(int(one["first"]), int(one["last"] or one["first"])) for one in found if one]
    if len(ranges) < len(found) or not all(1 <= first <= last for first, last in ranges):
        message = f"“{text if text.isprintable() else '…'}” is not a number of an exchange, or a range of numbers."
        raise SessionError(message, "Use numbers like 12, 12-14 or 12,14-16.")
    return ranges


def as_ranges(numbers: Sequence[int]) -> str:
    """Return numbers as a person reads them: `#3, #12–#14`."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ", ".join(f"#{first}" if first == last else f"#{first}–#{last}" for first, last in ranges)

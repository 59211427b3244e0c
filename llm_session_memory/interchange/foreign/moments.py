"""Times as other tools write them, in the form in which they are stored. Pure."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECONDS_FROM = 10_000_000_000
"""Numbers from here are milliseconds since 1970, or smaller units: as seconds they would be after the year 2286."""

_NANOSECONDS_UNTIL = 10_000_000_000_000_000_000
"""Larger numbers are not times: not even as nanoseconds."""

_LONGEST = 100
"""A longer text is not a time."""

_FRACTION = re.compile(r"(\.\d{1,9})")


def moment(value: object) -> str:
    """Return a time as ISO text in UTC; an empty text if it is missing or can't be read.

    A number is seconds, milliseconds, microseconds or nanoseconds since 1970. A text is ISO, with any number of
    decimals, with “Z”, with another zone, or without one, which means UTC.
    """
    if isinstance(value, bool):
        return ""
    if isinstance(value, (int, float)):
        return _since_1970(value)
    text = value.strip() if isinstance(value, str) else ""
    if not 0 < len(text) <= _LONGEST:
        return ""
    if re.fullmatch(r"\d{9,19}(\.\d+)?", text):
        return _since_1970(float(text))
    # Python 3.10 reads neither Z nor other than 3 or 6 decimals.
    text = re.sub(r"\s*(?:[zZ]|UTC|GMT)$", "+00:00", text)
    text = re.sub(r"\s*([+-]\d\d):?(\d\d)$", r"\1:\2", text) if re.search(r"\d:\d\d.*[+-]\d\d:?\d\d$", text) else text
    text = _FRACTION.sub(lambda found: found[1][:7].ljust(7, "0"), text, count=1)
    try:
        read = datetime.fromisoformat(text)
        zoned = read.replace(tzinfo=timezone.utc) if read.tzinfo is None else read.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return ""
    return zoned.isoformat()


def _since_1970(number: float) -> str:
    if not 0 < number < _NANOSECONDS_UNTIL:
        return ""
    while abs(number) >= _MILLISECONDS_FROM:
        number /= 1000
    return (_BEGINNING + timedelta(seconds=number)).isoformat()


def of_this_zone(value: object) -> object:
    """Return a time without a zone as ISO text with the zone of this machine, for tools that write their local time.

    Anything else is returned as it is.
    """
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        return value if read is None or read.tzinfo else read.astimezone().isoformat()
    except (ValueError, OverflowError, OSError):
        return value

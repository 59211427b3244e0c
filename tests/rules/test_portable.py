"""Numbers made from content, and the buckets of what is compared with remotes."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.rules.portable import bucket, months, number, stamp, stamp_of_response, stamp_of_turn
from llm_session_memory.rules.ulids import at, of_import, text_of

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001


@given(MOMENTS, st.integers(0, (1 << 80) - 1))
def test_the_bucket_of_a_turn_is_the_month_of_its_id(moment: datetime, rest: int) -> None:
    """Also just before and after a month begins, however many ids were looked at before."""
    month = months()
    for one in (moment, moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)):
        id_ = at(one) + text_of(rest, 16)
        assert month(id_) == month(id_.upper()) == f"m-{one:%Y-%m}"
        earlier = text_of(_number(id_) - (1 << 80))
        assert month(earlier) <= month(id_)


def _number(id_: str) -> int:
    return sum("0123456789abcdefghjkmnpqrstvwxyz".index(digit) << 5 * place for place, digit in enumerate(id_[::-1]))


@pytest.mark.parametrize(
    "id_",
    ["", "x", of_import("2026-09-01T08:00:00+00:00", 7), "01k4b0000000000000000000ul", "7" * 26, "z" * 26, "é" * 26],
)
def test_what_has_no_time_has_a_bucket_of_its_own(id_: str) -> None:
    """Imported conversations, and ids that are no ULIDs."""
    assert months()(id_) == "m-0000-00"


@given(st.lists(st.one_of(st.none(), st.text(), st.integers())))
def test_numbers_are_made_from_content_alone(content: list[object]) -> None:
    """They fit into 62 bits, are never 0, and stamps into 64 with a sign."""
    assert number(*content) == number(*content)
    assert 0 < number(*content) < 1 << 62
    assert -(1 << 63) <= stamp(*content) < 1 << 63
    assert number(*content) != number(*content, None)


def test_stamps_tell_what_they_are_of() -> None:
    """A turn's is that of its messages and its conversation, and no response has the same."""
    one = stamp_of_turn("a", "t", "x", None)
    others = [stamp_of_turn("a", "t", "y", None), stamp_of_turn("a", "t", "x", "p"), stamp_of_turn("a", "u", "x", None)]
    assert len({one, *others, stamp_of_turn("a", "t", None, None), stamp_of_response("a", "t")}) == 6
    assert stamp_of_turn("a", "t", "x", None) == one


def test_buckets_of_conversations_and_tombstones_are_two_digits() -> None:
    """Each has 256 at most."""
    found = {bucket("s", str(one)) for one in range(4_000)}
    assert len(found) == 256
    assert all(len(one) == 4 and one.startswith("s-") for one in found)

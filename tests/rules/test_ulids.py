"""Ids ascend, whatever they follow."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ulid import ULID

from llm_session_memory.rules.ulids import Ulids, after, later

NOW = datetime(2026, 9, 1, tzinfo=timezone.utc)
LAST = "7" + "z" * 25


@given(st.text(max_size=40) | st.text("0123456789abcdefghjkmnpqrstvwxyzABCXYZ", min_size=26, max_size=26))
def test_an_id_can_follow_any_other(id_: str) -> None:
    """Whatever an id is, the next ones are greater, in Python and as bytes in SQLite, and don't grow with each."""
    ids = [id_]
    for _ in range(4):
        ids.append(after(ids[-1]))
    assert all(one < two for one, two in pairwise(ids))
    assert sorted(ids, key=lambda one: one.encode("utf-8", "surrogatepass")) == ids
    assert len({len(one) for one in ids[1:]}) == 1


@pytest.mark.parametrize("id_", ["01m8g367n38e1f3zw4jx52jwex", "01M8G367N38E1F3ZW4JX52JWEX"])
def test_a_ulid_is_followed_by_a_ulid_of_its_moment(id_: str) -> None:
    """The next id is a ULID of the same millisecond, and not the same for two processes."""
    one, two = after(id_), after(id_)
    assert one != two
    assert {ULID.from_str(one.upper()).milliseconds, ULID.from_str(two.upper()).milliseconds} == {
        ULID.from_str(id_.upper()).milliseconds
    }


@pytest.mark.parametrize("id_", [LAST, LAST.upper(), "z" * 26, "conversation", "é", ""])
def test_even_the_last_ulid_is_followed(id_: str) -> None:
    """The end of all time and ids of other programs are followed too."""
    assert after(id_) > id_
    assert later("01m8g367n38e1f3zw4jx52jwex", id_) > id_


def test_an_id_that_is_later_already_stays() -> None:
    """Only an id that is not greater is replaced."""
    assert later("b", "a") == "b"
    assert later("b", None) == "b"
    assert later("b", "b") > "b"


def test_ids_of_a_file_ascend_and_are_never_after_now() -> None:
    """Dates that go back or lie in the future give ids in the order of the file, none of them later than now."""
    ids = Ulids(NOW)
    made = [ids.next(at) for at in ("2025-01-01", "2020-01-01", "", "2099-01-01", "2026-08-01")]
    assert made == sorted(set(made))
    assert ULID.from_str(made[-1].upper()).datetime <= NOW

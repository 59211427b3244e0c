"""The laws of a request's contents: stretches, runs of fates and ranges."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.reader.sent import Excerpt, Message, Sent, Stretch, Summary, Why, ranges, stretches

ROLES = st.lists(st.sampled_from(["user", "assistant", "tool"]), max_size=30)


@given(st.booleans(), ROLES, st.lists(st.integers(1, 40), max_size=12))
def test_stretches_cover_every_message_but_the_system_prompt_once(
    system: bool, roles: list[str], numbers: list[int]
) -> None:
    """Every message belongs to exactly one exchange, and the last numbers go to the last exchanges."""
    messages = [Message(str(place), role, 1) for place, role in enumerate((["system"] if system else []) + roles)]
    found = stretches(messages, numbers)
    covered = [place for one in found for place in range(one.begin, one.end)]
    assert covered == list(range(1 if system else 0, len(messages)))
    named = [one.number for one in found if one.number is not None]
    assert named == (numbers[-len(found) :] if found else [])


@given(st.sets(st.integers(1, 60)), st.integers(1, 60))
def test_runs_are_all_earlier_exchanges_in_order(whole: set[int], number: int) -> None:
    """The runs cover every exchange before this one exactly once, and neighbouring runs differ in fate."""
    kept = stretches([Message("x", "user", 1)], [1])[0]
    sent = Sent(
        number, 1, 1, "t", "m", "", None, None, None, (), (),
        tuple(type(kept)(one, 0, 1, 1) for one in sorted(whole | {number})),
    )  # fmt: skip
    assert [one for run in sent.runs for one in range(run.first, run.last + 1)] == list(range(1, number))
    assert all(run.fate != after.fate for run, after in zip(sent.runs, sent.runs[1:], strict=False))


@given(st.sets(st.integers(1, 300)))
def test_ranges_name_each_number_once(numbers: set[int]) -> None:
    """Ranges, read back, give the same numbers."""
    read: set[int] = set()
    for words in ranges(numbers):
        ends = [int(end.strip("#")) for end in words.split("–")]
        read |= set(range(ends[0], ends[-1] + 1))
    assert read == numbers


@given(st.lists(st.sampled_from(["whole", "pinned", "excerpt", ""]), max_size=30), st.integers(1, 9), st.integers(0, 9))
def test_runs_are_every_earlier_exchange_by_its_fate(had: list[str], first: int, more: int) -> None:
    """Each earlier exchange lies in one run with its own fate, and neighbouring runs differ."""
    numbered = list(enumerate(had, start=1))
    pinned = tuple(number for number, kind in numbered if kind == "pinned")
    sent = Sent(
        number=len(had) + 1,
        call=1,
        calls=1,
        turn_id="t",
        model="m",
        datetime_utc="",
        input_tokens=1,
        output_tokens=1,
        cost=None,
        tools=(),
        messages=(),
        stretches=tuple(Stretch(number, 0, 1, 1) for number, kind in numbered if kind in ("whole", "pinned")),
        why=Why("p", 1, None, "", "", 0, None, 1, None, pinned, clipped=False),
        excerpts=tuple(Excerpt(number, 1, 1.0, 1, (), "", False) for number, kind in numbered if kind == "excerpt"),
        summary=Summary(1, first, min(first + more, len(had)), None, "", "") if first < len(had) else None,
    )
    fates = [(number, run.fate) for run in sent.runs for number in range(run.first, run.last + 1)]
    assert fates == [(number, sent.fate(number)) for number, _ in numbered]
    assert all(run.fate != after.fate for run, after in pairwise(sent.runs))

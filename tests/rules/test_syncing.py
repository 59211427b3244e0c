"""Rules of syncing: what differs is found by digests, what belongs together goes together, wrong clocks are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.model.remotes import Digest, Stamp
from llm_session_memory.rules.portable import stamp
from llm_session_memory.rules.syncing import (
    batches,
    by_bucket,
    by_place,
    clock_sentence,
    differences,
    differing,
    families,
    in_portions,
    lineage,
)

names = st.sampled_from("abcdef")
stamps = st.lists(
    st.builds(
        # a value is a hash of what it stands for: two that are equal by chance would hide a difference
        lambda thread, key, bucket, rows: Stamp(thread, "turn", key, bucket, stamp(thread, key, bucket, rows)),
        *(names, names, st.sampled_from(["m-2026-10", "m-2026-11"]), st.integers(0, 3)),
    ),
    unique_by=lambda one: (one.kind, one.key),
)
pairs = st.lists(st.tuples(names, names), max_size=6)


@given(stamps, st.randoms())
def test_digests_do_not_depend_on_the_order(some: list[Stamp], rng: object) -> None:
    """The same stamps in any order have the same digests, and those of places add up to those of buckets."""
    shuffled = rng.sample(some, len(some))  # type: ignore[attr-defined]
    assert by_bucket(some) == by_bucket(shuffled)
    whole: dict[str, Digest] = {}
    for (bucket, _), digest in by_place(some).items():
        amount, value = whole.get(bucket, Digest(0, 0))
        whole[bucket] = Digest(amount + digest.amount, value ^ digest.value)
    assert whole == by_bucket(some)


@given(stamps, stamps)
def test_what_differs_is_in_a_bucket_that_differs(ours: list[Stamp], theirs: list[Stamp]) -> None:
    """Each stamp that only one side has is in a bucket that differs, and in the difference of its conversation."""
    buckets = differing(by_bucket(ours), by_bucket(theirs))
    found = differences(ours, theirs)
    for one in {*ours} ^ {*theirs}:
        assert one.bucket in buckets
        assert one in (*found[one.thread_id].ours.values(), *found[one.thread_id].theirs.values())
    assert differences(ours, ours) == {}


@given(st.sets(names), pairs)
def test_families_are_all_threads_once_and_no_pair_is_parted(threads: set[str], joined: list[tuple[str, str]]) -> None:
    """Each thread is in one family, and two that a pair joins are in the same one."""
    found = families(threads, joined)
    assert sorted(one for family in found for one in family) == sorted(threads)
    of = {one: family for family in found for one in family}
    assert all(of[a] == of[b] for a, b in joined if a in threads and b in threads)


@given(st.sets(names), pairs, st.dictionaries(names, st.integers(0, 9)))
def test_batches_have_whole_families_and_are_not_too_large(
    threads: set[str], joined: list[tuple[str, str]], turns: dict[str, int]
) -> None:
    """A batch has whole families, and more than the most turns only if one family alone has them."""
    groups = families(threads, joined)
    found = [*batches(groups, turns, most=10, conversations=3)]
    assert sorted(one for batch in found for one in batch) == sorted(threads)
    for batch in found:
        within = [group for group in groups if {*group} <= {*batch}]
        assert {*batch} == {one for group in within for one in group}
        assert len(within) == 1 or (sum(turns.get(one, 0) for one in batch) <= 10 and len(batch) <= 3)


def test_what_a_fork_comes_from_is_found_even_in_a_circle() -> None:
    """A fork of a fork has all its ancestors; a damaged log that goes in circles ends."""
    assert lineage(["c"], {"c": ["b"], "b": ["a"], "d": ["a"]}) == {"a", "b", "c"}
    assert lineage(["a"], {"a": ["b"], "b": ["a"]}) == {"a", "b"}


def test_portions() -> None:
    """Portions have all keys, in order."""
    assert [*in_portions("abcde", 2)] == [["a", "b"], ["c", "d"], ["e"]]
    assert [*in_portions([])] == []


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        pytest.param(1000, None, "", id="a remote without a clock"),
        pytest.param(1000, 1300, "", id="five minutes"),
        pytest.param(1000, 1361, "6 minutes behind", id="six minutes"),
        pytest.param(9000, 1000, "2 hours ahead of", id="hours"),
        pytest.param(300_000, 1000, "3 days ahead of", id="days"),
    ],
)
def test_a_wrong_clock_is_told(ours: float, theirs: float | None, said: str) -> None:
    """More than five minutes are told, with the direction and the amount."""
    found = clock_sentence(ours, theirs)
    assert said in found
    assert bool(found) == bool(said)

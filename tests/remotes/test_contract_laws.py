"""Laws of the contract of model.remotes: any documents come back equal, and any transactions leave what they should."""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from llm_session_memory.model.remotes import CONTENT, Digest, Document, Remote, Writing
from tests.remotes.documents import any_documents, content, said, thread, tombstone, turn
from tests.remotes.kinds import Kind
from tests.world.laws import tried

LAW = tried(100, 5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@LAW
@given(documents=any_documents())
def test_any_documents_come_back_equal(kind: Kind, documents: list[Document]) -> None:
    """Whatever a log can hold comes back from a remote to the last bit, also after it was copied to another place."""
    opener, second = kind(), kind()
    with closing(opener()) as remote, closing(opener()) as other, closing(second()) as copy:
        with remote.writing() as writing:
            writing.put(documents)
        with copy.writing() as writing:
            writing.put([found for document in documents for found in other.documents(document.kind, [document.key])])
        for reader in (other, copy):
            for document in documents:
                (found,) = reader.documents(document.kind, [document.key])
                assert said(found) == said(document)


@dataclass(frozen=True)
class Put:
    """A document is put."""

    document: Document


@dataclass(frozen=True)
class Remove:
    """A document is removed."""

    kind: str
    key: str


@dataclass(frozen=True)
class SetDigest:
    """A digest is set."""

    where: tuple[str, str]
    digest: Digest | None


@dataclass(frozen=True)
class Fail:
    """The transaction ends with an error."""


Step: TypeAlias = "Put | Remove | SetDigest | Fail"

FEW = st.sampled_from("abc")
STAMPS = st.sampled_from([1, -2, 2**63 - 1])
SENDERS = st.sampled_from(["", "m", "n"])
REFS = st.lists(FEW.map("message {}".format), unique=True).map(tuple)
DOCUMENTS = st.one_of(
    st.builds(content, FEW, text=FEW),
    st.builds(turn, st.sampled_from(["t1", "t2", "r1"]), FEW, STAMPS, REFS),
    st.builds(thread, FEW, FEW, STAMPS),
    st.builds(tombstone, FEW, st.sampled_from(["t-00", "t-01"]), STAMPS),
)
SENT = st.builds(lambda document, sender: replace(document, machine=sender, person=sender), DOCUMENTS, SENDERS)
DIGESTS = st.none() | st.builds(Digest, st.integers(1, 5), STAMPS)
STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Put, SENT),
    st.builds(lambda document: Remove(document.kind, document.key), DOCUMENTS),
    st.builds(SetDigest, st.tuples(st.sampled_from(["m-1", "t-00"]), FEW), DIGESTS),
    st.builds(Fail),
)


@dataclass
class Plain:
    """What a remote should have: two dictionaries."""

    documents: dict[tuple[str, str], Document] = field(default_factory=dict)
    digests: dict[tuple[str, str], Digest] = field(default_factory=dict)

    def does(self, step: Step) -> None:
        """Do one step."""
        match step:
            case Put(document):
                where = (document.kind, document.key)
                old = self.documents.get(where, document)
                machine, person = old.machine or document.machine, old.person or document.person
                if document.kind not in CONTENT or where not in self.documents:
                    self.documents[where] = replace(document, machine=machine, person=person)
            case Remove(kind, key):
                self.documents.pop((kind, key), None)
            case SetDigest(where, None):
                self.digests.pop(where, None)
            case SetDigest(where, Digest() as digest):
                self.digests[where] = digest
            case _:
                raise ZeroDivisionError


@LAW
@given(transactions=st.lists(st.lists(STEPS, max_size=6), max_size=5))
def test_any_transactions_leave_what_a_dictionary_would(kind: Kind, transactions: list[list[Step]]) -> None:
    """After any transactions, failed ones too, and inside each, a remote answers as a dictionary would."""
    opener, plain = kind(), Plain()
    with closing(opener()) as remote, closing(opener()) as other:
        for steps in transactions:
            trial = Plain(dict(plain.documents), dict(plain.digests))
            with suppress(ZeroDivisionError):
                with remote.writing() as writing:
                    for step in steps:
                        trial.does(step)
                        _do(writing, step)
                    assert_same(remote, trial)
                    refs = {f"message {key}" for key in "abc"}
                    needed = {ref for document in trial.documents.values() for ref in document.refs}
                    assert writing.referred(refs) == refs & needed
                plain = trial
            assert_same(other, plain)


def _do(writing: Writing, step: Step) -> None:
    match step:
        case Put(document):
            writing.put([document])
        case Remove(kind, key):
            writing.remove(kind, [key])
        case SetDigest(where, digest):
            writing.set_digests({where: digest})


def assert_same(remote: Remote, plain: Plain) -> None:
    """Assert that a remote answers every question as the dictionaries do."""
    keys = ["a", "b", "c", "t1", "t2", "r1"]
    have = plain.documents.values()
    for kind in ("message", "turn", "response", "thread", "tombstone"):
        expected = sorted(said(document) for document in have if document.kind == kind)
        assert sorted(said(found) for found in remote.documents(kind, keys)) == expected
    owned = [document for document in have if document.thread_id]
    assert sorted(tuple(stamp) for stamp in remote.stamps(keys)) == sorted(
        (each.thread_id, each.kind, each.key, each.bucket, each.stamp) for each in owned
    )
    calls = {each.key: each.thread_id for each in owned if each.kind in ("turn", "response")}
    assert remote.threads_with(keys) == calls
    amounts = {each.key: sum(of == each.key for of in calls.values()) for each in owned if each.kind == "thread"}
    assert {each.thread_id: each.turns for each in remote.listed()} == amounts
    assert sorted(remote.digests(["m-1", "t-00"])) == sorted(
        (*where, digest) for where, digest in plain.digests.items()
    )
    buckets: dict[str, Digest] = defaultdict(lambda: Digest(0, 0))
    for (bucket, _), (amount, value) in plain.digests.items():
        buckets[bucket] = Digest(buckets[bucket].amount + amount, buckets[bucket].value ^ value)
    assert remote.buckets() == buckets
    graves = sorted(said(document) for document in have if document.kind == "tombstone")
    assert sorted(said(found) for found in remote.tombstones(["t-00", "t-01"])) == graves

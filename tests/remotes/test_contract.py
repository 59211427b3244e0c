"""The contract of model.remotes, which every kind of remote keeps: what is put is there, whole, until it is removed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.model.remotes import Digest, Document, Listed, Remote, Stamp
from tests.remotes.documents import content, said, thread, tombstone, turn
from tests.remotes.kinds import Kind, Opener


def put(remote: Remote, *documents: Document) -> None:
    """Put documents in a transaction of their own."""
    with remote.writing() as writing:
        writing.put(documents)


def one(remote: Remote, document: Document) -> Document | None:
    """Return what a remote has under the kind and key of a document."""
    return next(remote.documents(document.kind, [document.key]), None)


def test_a_new_place_is_empty(remote: Remote) -> None:
    """A place that nothing was put into has no bucket, no conversation and no document."""
    assert remote.buckets() == {}
    assert list(remote.listed()) == []
    assert list(remote.documents("turn", ["a"])) == []
    assert list(remote.digests(["m-2026-11"])) == []


def test_what_is_put_is_seen_by_others(remote: Remote, other: Remote) -> None:
    """A document that was put is there for this connection and for another one, in any order of the keys."""
    documents = [content("a"), turn("t1", refs=("message a",)), turn("t2"), thread("t")]
    put(remote, *documents)
    for reader in (remote, other):
        found = [*reader.documents("turn", ["t2", "none", "t1"]), *reader.documents("message", ["a"])]
        found += reader.documents("thread", {"t"})
        assert sorted(map(said, found)) == sorted(map(said, documents))


def test_threads_turns_and_tombstones_are_replaced(remote: Remote, other: Remote) -> None:
    """A conversation, a turn, a response or a tombstone that is put again is replaced, with stamp, bucket and refs."""
    put(remote, content("a"), thread("t"), turn("t1", refs=("message a",)), turn("r1"), tombstone("x"))
    newer = [thread("t", "play", 7), replace(turn("t1", "u", 8), place=3, bucket="m-2026-12"), turn("r1", stamp=9)]
    newer += [tombstone("x", "t-01", 10)]
    put(remote, *newer)
    assert [said(found) for new in newer if (found := one(other, new))] == [said(new) for new in newer]
    assert [stamp.key for stamp in other.stamps(["u"])] == ["t1"]
    with remote.writing() as writing:
        assert writing.referred(["message a"]) == set()


def test_content_stays_as_it_is(remote: Remote, other: Remote) -> None:
    """Content that is there already is not replaced, neither in a later transaction nor in the same one."""
    put(remote, content("a", text="first"), content("a", text="second"))
    put(remote, content("a", text="third"))
    assert said(next(other.documents("message", ["a"]))) == said(content("a", text="first"))


def test_machine_and_person_stay(remote: Remote, other: Remote) -> None:
    """Whoever sent a document first stays its sender, also if it is replaced twice in one transaction."""
    put(remote, thread("t"), turn("t1"))
    put(remote, replace(thread("t", "play"), machine="n", person="q"), replace(turn("t1", stamp=5), machine="n"))
    put(remote, replace(thread("t", "rest"), machine="o"), replace(thread("t", "end"), machine="o", person="r"))
    found = [*other.documents("thread", ["t"]), *other.documents("turn", ["t1"])]
    assert [(document.machine, document.person) for document in found] == [("m", "p")] * 2
    assert next(other.listed()).name == "end"


def test_an_empty_sender_is_not_yet_set(remote: Remote, other: Remote) -> None:
    """A document that was sent without a machine or person gets those of whoever replaces it."""
    put(remote, replace(thread("t"), machine="", person=""))
    put(remote, thread("t"))
    assert said(next(other.documents("thread", ["t"]))) == said(thread("t"))


def test_what_is_removed_is_gone(remote: Remote, other: Remote) -> None:
    """A removed document is found in no way; one that is not there can be removed as well."""
    put(remote, content("a"), thread("t"), turn("t1", refs=("message a",)), tombstone("x"))
    with remote.writing() as writing:
        writing.remove("turn", ["t1", "none"])
        writing.remove("thread", ["t"])
        writing.remove("tombstone", ["x"])
        writing.remove("message", [])
    for reader in (remote, other):
        assert [*reader.documents("turn", ["t1"]), *reader.documents("thread", ["t"])] == []
        assert [*reader.stamps(["t"]), *reader.tombstones(["t-00"]), *reader.listed()] == []
        assert reader.threads_with(["t1"]) == {}
        assert said(next(reader.documents("message", ["a"]))) == said(content("a"))


def test_a_removed_document_can_come_back(remote: Remote, other: Remote) -> None:
    """After it was removed, content can be put again, by another sender, in the same transaction or later."""
    put(remote, content("a"), content("b"))
    again = [replace(content("a", text="new"), machine="n"), replace(content("b", text="new"), machine="n")]
    with remote.writing() as writing:
        writing.remove("message", ["a", "b"])
        writing.put(again[:1])
    put(other, again[1])
    assert sorted(said(found) for found in remote.documents("message", ["a", "b"])) == sorted(map(said, again))


def test_what_is_put_and_removed_at_once_was_never_there(remote: Remote, other: Remote) -> None:
    """A document that is put and removed in one transaction is not there."""
    with remote.writing() as writing:
        writing.put([content("a"), turn("t1", refs=("message a",))])
        writing.remove("turn", ["t1"])
        assert writing.referred(["message a"]) == set()
    assert list(other.documents("turn", ["t1"])) == []
    assert len(list(other.documents("message", ["a"]))) == 1


def test_what_documents_refer_to_is_known(remote: Remote) -> None:
    """A ref is needed as long as any document has it, of whatever kind."""
    put(remote, content("a"), content("b", refs=("message a",)), content("c"), content("f", "fragment"))
    put(remote, turn("t1", refs=("message b", "fragment f")), turn("t2", refs=("message b",)))
    with remote.writing() as writing:
        wanted = ["message a", "message b", "message c", "fragment f", "fragment a", "message none"]
        assert writing.referred(wanted) == {"message a", "message b", "fragment f"}
        writing.remove("turn", ["t1"])
        assert writing.referred(wanted) == {"message a", "message b"}
        writing.remove("turn", ["t2"])
        assert writing.referred(set(wanted)) == {"message a"}
        writing.put([turn("t3", refs=("message c",))])
        assert writing.referred(wanted) == {"message a", "message c"}
        assert writing.referred([]) == set()


def test_digests_are_kept_by_bucket_and_thread(remote: Remote, other: Remote) -> None:
    """A bucket's digest is the sum of its threads' amounts and the xor of their values; None removes one."""
    low, high = -(2**63), 2**63 - 1
    with remote.writing() as writing:
        writing.set_digests({("m-1", "t"): Digest(2, low), ("m-1", "u"): Digest(3, high), ("t-00", ""): Digest(1, 5)})
        assert remote.buckets() == {"m-1": Digest(5, -1), "t-00": Digest(1, 5)}
    with remote.writing() as writing:
        writing.set_digests({("m-1", "t"): Digest(1, 4), ("t-00", ""): None, ("m-9", "none"): None})
        writing.set_digests({})
    for reader in (remote, other):
        assert reader.buckets() == {"m-1": Digest(4, high ^ 4)}
        expected = [("m-1", "t", Digest(1, 4)), ("m-1", "u", Digest(3, high))]
        assert sorted(reader.digests(["m-1", "t-00", "none"])) == expected
        assert list(reader.digests([])) == []


def test_stamps_are_found_by_thread(remote: Remote, other: Remote) -> None:
    """The stamps of a thread are its own and those of its turns and responses; tombstones come by bucket."""
    put(remote, content("a"), thread("t", stamp=-5), turn("t1", stamp=2**63 - 1), turn("r1"), turn("t2", "u"))
    put(remote, tombstone("x"), tombstone("y", "t-01"))
    for reader in (remote, other):
        assert sorted(reader.stamps(["t", "none"])) == [
            Stamp("t", "response", "r1", "m-2026-11", 1),
            Stamp("t", "thread", "t", "s-00", -5),
            Stamp("t", "turn", "t1", "m-2026-11", 2**63 - 1),
        ]
        assert list(reader.stamps([])) == []
        assert [said(found) for found in reader.tombstones(["t-00", "none"])] == [said(tombstone("x"))]


def test_turns_lead_to_their_threads(remote: Remote) -> None:
    """Of some turns and responses, those that are there are returned with their threads; others are left out."""
    put(remote, thread("t"), turn("t1"), turn("r1", "u"), turn("t2", "v"))
    assert remote.threads_with(["t1", "r1", "t", "none"]) == {"t1": "t", "r1": "u"}
    assert remote.threads_with([]) == {}


def test_conversations_are_listed(remote: Remote, other: Remote) -> None:
    """A list has each conversation with its name, project, sorted tags, number of calls, machine and last call."""
    bare = replace(thread("u"), rows={"threads": [{"id": "u"}]}, machine="n")
    put(remote, thread("t", tags=("b", "a")), bare, turn("t1", at="2026-11-02"), turn("r1", at="2026-11-03"))
    listed = Listed("t", "work", "Bridge", ("a", "b"), 2, "m", "2026-11-03")
    for reader in (remote, other):
        assert sorted(reader.listed(), key=lambda each: each.thread_id) == [listed, Listed("u", machine="n")]
        assert list(reader.listed(["t", "none"])) == [listed]
        assert list(reader.listed([])) == []
    with remote.writing() as writing:
        writing.put([turn("t1", "u", at="2026-11-05")])
        assert {each.thread_id: (each.turns, each.last_utc) for each in remote.listed()} == {
            "t": (1, "2026-11-03"),
            "u": (1, "2026-11-05"),
        }


@pytest.mark.parametrize("error", [ValueError, RemoteFailed, KeyboardInterrupt])
def test_a_transaction_that_fails_leaves_nothing(remote: Remote, other: Remote, error: type[BaseException]) -> None:
    """After an error inside, everything is as it was before, and the next transaction works."""
    put(remote, content("a"), thread("t"))

    def failing() -> None:
        with remote.writing() as writing:
            writing.put([content("b"), turn("t1", refs=("message b",)), thread("t", "play")])
            writing.remove("message", ["a"])
            writing.set_digests({("m-1", "t"): Digest(1, 1)})
            raise error("stop")

    with pytest.raises(error):
        failing()
    for reader in (remote, other):
        assert [*reader.documents("message", ["b"]), *reader.documents("turn", ["t1"])] == []
        assert len(list(reader.documents("message", ["a"]))) == 1
        assert [each.name for each in reader.listed()] == ["work"]
        assert reader.buckets() == {}
    put(other, turn("t2"))
    assert remote.threads_with(["t2"]) == {"t2": "t"}


def test_documents_that_break_off_leave_nothing(remote: Remote, other: Remote) -> None:
    """An error while the documents are being made is an error of the transaction."""

    def broken() -> Iterator[Document]:
        yield content("a")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        _put_all(remote, broken())
    assert list(other.documents("message", ["a"])) == []


def _put_all(remote: Remote, documents: Iterator[Document]) -> None:
    with remote.writing() as writing:
        writing.put(documents)


def test_reads_inside_see_what_was_written(remote: Remote, other: Remote) -> None:
    """Inside a transaction, its own connection sees what it wrote and others see what was there before."""
    put(remote, content("a"), thread("t"), turn("t1"), tombstone("x"))
    with remote.writing() as writing:
        writing.put([thread("t", "play", 9, ("a",)), turn("t2", refs=("message a",)), tombstone("y")])
        writing.remove("turn", ["t1"])
        writing.remove("tombstone", ["x"])
        writing.set_digests({("m-1", "t"): Digest(1, 1)})
        assert sorted(stamp.key for stamp in remote.stamps(["t"])) == ["t", "t2"]
        assert remote.threads_with(["t1", "t2"]) == {"t2": "t"}
        assert [found.key for found in remote.documents("turn", ["t1", "t2"])] == ["t2"]
        assert [found.key for found in remote.tombstones(["t-00"])] == ["y"]
        assert [(each.name, each.turns, each.tags) for each in remote.listed()] == [("play", 1, ("a",))]
        assert remote.buckets() == {"m-1": Digest(1, 1)}
        assert list(remote.digests(["m-1"])) == [("m-1", "t", Digest(1, 1))]
        assert sorted(stamp.key for stamp in other.stamps(["t"])) == ["t", "t1"]
        assert [found.key for found in other.documents("turn", ["t1", "t2"])] == ["t1"]
        assert [each.name for each in other.listed()] == ["work"]
        assert other.buckets() == {}
    assert sorted(stamp.key for stamp in other.stamps(["t"])) == ["t", "t2"]


def test_documents_may_be_made_from_what_is_read(remote: Remote, other: Remote) -> None:
    """What is put may come from a generator that reads the same remote, and two answers may be read side by side."""
    put(remote, *(turn(f"t{number}") for number in range(5)))
    keys = [f"t{number}" for number in range(5)]
    with remote.writing() as writing:
        writing.put(replace(found, stamp=7) for found in remote.documents("turn", keys))
        pairs = zip(remote.documents("turn", keys), remote.stamps(["t"]), strict=True)
        assert {stamp.value for _, stamp in pairs} == {7}
        next(remote.documents("turn", keys))  # not read to its end
    assert {found.stamp for found in other.documents("turn", keys)} == {7}


def test_two_writers_take_turns(opener: Opener) -> None:
    """What one transaction read and wrote is there when the next one begins: no count is lost."""
    with closing(opener()) as remote:
        put(remote, turn("t1", stamp=0))

    def count() -> None:
        with closing(opener()) as mine:
            for _ in range(3):
                with mine.writing() as writing:
                    (found,) = mine.documents("turn", ["t1"])
                    writing.put([replace(found, stamp=found.stamp + 1)])

    together(count, count, count)
    with closing(opener()) as remote:
        assert [found.stamp for found in remote.documents("turn", ["t1"])] == [9]


def test_a_reader_beside_never_sees_half(opener: Opener) -> None:
    """Two documents that always change together are the same in every answer."""
    rounds, ended = 8, threading.Event()
    seen: list[set[int]] = []
    with closing(opener()) as remote:
        put(remote, turn("t1", stamp=0), turn("t2", stamp=0))

    def write() -> None:
        try:
            with closing(opener()) as mine:
                for number in range(rounds):
                    put(mine, turn("t1", stamp=number), turn("t2", stamp=number))
        finally:
            ended.set()

    def read() -> None:
        with closing(opener()) as mine:
            while not ended.is_set():
                seen.append({found.stamp for found in mine.documents("turn", ["t1", "t2"])})
                seen.append({stamp.value for stamp in mine.stamps(["t"])})

    together(write, read)
    assert {len(stamps) for stamps in seen} <= {1}


def together(*doing: object) -> None:
    """Run functions side by side, and raise what one of them raised."""
    failed: list[BaseException] = []

    def run(function: object) -> None:
        try:
            assert callable(function)
            function()
        except BaseException as error:  # noqa: BLE001  # raised again in the test's thread
            failed.append(error)

    threads = [threading.Thread(target=run, args=(each,)) for each in doing]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if failed:
        raise failed[0]


def test_many_keys_are_no_problem(remote: Remote, other: Remote) -> None:
    """A batch of turns and more keys than a statement takes parameters are put, found and removed."""
    turns = [turn(f"t{number:04}", refs=(f"message m{number:04}",)) for number in range(600)]
    messages = [content(f"m{number:04}") for number in range(600)]
    digests = {("m-1", f"t{number}"): Digest(1, number) for number in range(600)}
    with remote.writing() as writing:
        writing.put([*messages, *turns])
        writing.set_digests(digests)
    many = [f"t{number:04}" for number in range(70_000)]
    assert len(list(other.documents("turn", many[:3000]))) == 600
    assert len(other.threads_with(many)) == 600
    assert len(list(other.stamps(["t", *many[:3000]]))) == 600
    assert len(list(other.digests(["m-1", *many[:3000]]))) == 600
    with remote.writing() as writing:
        assert len(writing.referred([f"message m{number:04}" for number in range(3000)])) == 600
        writing.remove("turn", many[:3000])
    assert list(other.stamps(["t"])) == []


def test_a_document_may_be_larger_than_a_server_takes_at_once(remote: Remote, other: Remote) -> None:
    """A document of 17 MB comes back equal, is replaced by a small one, and is gone when it is removed."""
    blob = bytes(range(256)) * 66 * 1024
    large = Document("attachment", "a", {"attachments": [{"id": "a", "content": blob, "path": None}]})
    long = replace(turn("t1", refs=("attachment a",)), rows={"turns": [{"id": "t1", "text": "é" * 8_500_000}]})
    put(remote, large, long)
    assert next(other.documents("attachment", ["a"])).rows == large.rows
    assert next(other.documents("turn", ["t1"])).rows == long.rows
    with remote.writing() as writing:
        writing.put([turn("t1")])
        writing.remove("attachment", ["a"])
    assert said(next(other.documents("turn", ["t1"]))) == said(turn("t1"))
    assert list(other.documents("attachment", ["a"])) == []


def test_a_remote_tells_what_it_is(remote: Remote) -> None:
    """A test of a remote tells its software, its version, whether it can be written to, and its time."""
    found = remote.condition()
    assert found.server
    assert (found.version, found.writable) == (found.version or 1, True)
    assert found.now is None or abs(found.now - time.time()) < 60
    assert found.seconds >= 0
    assert remote.place


def test_a_place_is_prepared_once(opener: Opener) -> None:
    """Preparing a place again, or from several machines at once, changes nothing that is there."""
    with closing(opener()) as remote:
        put(remote, turn("t1"))

    def prepare() -> None:
        with closing(opener()) as mine:
            mine.prepare()

    together(prepare, prepare, prepare)
    with closing(opener()) as remote:
        assert remote.threads_with(["t1"]) == {"t1": "t"}


def test_a_remote_may_be_closed_twice(opener: Opener) -> None:
    """Closing a remote again does nothing, also if nothing was ever asked of it."""
    for use in (True, False):
        remote = opener()
        if use:
            assert remote.buckets() == {}
        remote.close()
        remote.close()


def test_places_are_apart(kind: Kind) -> None:
    """What is put into one place is in no other."""
    with closing(kind()()) as here, closing(kind()()) as there:
        put(here, turn("t1"))
        assert there.threads_with(["t1"]) == {}

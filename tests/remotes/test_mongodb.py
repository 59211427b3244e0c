"""MongoDB as a remote: a write that breaks off leaves all or nothing, without transactions; errors are sentences."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pymongo
import pytest
from pymongo import errors

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.model.remotes import Digest
from llm_session_memory.remotes.mongodb import MongoRemote, cells, journal, remote, rights, writing
from llm_session_memory.remotes.mongodb.sentences import in_sentences, without_secrets
from llm_session_memory.remotes.mongodb.server import Server
from tests.remotes.documents import content, said, thread, turn
from tests.world.laws import PROFILE
from tests.world.mongodb_server import mongodb_server

_NUMBERS = itertools.count()


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[str]:
    """A server."""
    with mongodb_server() as address:
        yield address


@pytest.fixture(name="address")
def _address(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a new database that is prepared. Documents of some bytes are in chunks there."""
    monkeypatch.setattr(writing, "CHUNK", 300)
    monkeypatch.setattr(remote, "_WAIT", 0.0)
    return prepared(server)


def prepared(server: str) -> str:
    """Return the address of a new database that is prepared."""
    address = f"{server}/db{next(_NUMBERS)}"
    with closing(MongoRemote(address)) as one:
        one.prepare()
    return address


def dump(address: str) -> dict[str, list[Any]]:
    """Return all that is on a database, by collection."""
    with pymongo.MongoClient[Any](address) as client:
        database = client.get_default_database()
        return {name: [*database[name].find()] for name in database.list_collection_names()}


def everything(address: str) -> list[str]:
    """Return all that a database answers."""
    with closing(MongoRemote(address)) as one:
        found = [one.documents(kind, ["t1", "t2", "t"]) for kind in ("turn", "thread")]
        documents = sorted(said(document) for those in [*found, one.documents("message", "ab")] for document in those)
        return [*documents, repr(one.buckets()), repr(sorted(one.digests(["m-1"])))]


class _KilledError(BaseException):
    """The process was killed."""


class _Killed(Server):
    """A connection that ends before its nth change, and changes nothing after that."""

    def __init__(self, uri: str, changes: int) -> None:
        super().__init__(uri)
        self.left = changes

    def __getitem__(self, name: str) -> Any:
        return _Collection(self, super().__getitem__(name))


class _Collection:
    def __init__(self, server: _Killed, collection: Any) -> None:
        self._server, self._collection = server, collection

    def __getattr__(self, name: str) -> Any:
        if name not in ("find", "find_one", "aggregate"):
            self._server.left -= 1
            if self._server.left < 0:
                raise _KilledError
        return getattr(self._collection, name)


def first(one: MongoRemote) -> None:
    """Put a state that is then changed."""
    with one.writing() as open_:
        open_.put([content("a", text="secret" * 100), turn("t1", refs=("message a",)), thread("t", "secret" * 100)])
        open_.set_digests({("m-1", "t"): Digest(2, 3)})


def second(one: MongoRemote) -> None:
    """Change it."""
    with one.writing() as open_:
        open_.put([content("b", text="large" * 100), turn("t2", refs=("message b",)), thread("t", "play" * 100)])
        open_.remove("turn", ["t1"])
        open_.remove("message", ["a"])
        open_.set_digests({("m-1", "t"): None, ("m-1", "u"): Digest(1, 1)})


def test_a_kill_at_any_point_leaves_all_or_nothing(server: str, address: str) -> None:
    """Wherever a write is broken off, all of it counts or nothing; the next write works, and no text is left behind."""
    outcomes = set()
    for changes in range(0, 100, 1 if PROFILE == "ci" else 3):
        place = prepared(server)
        with closing(MongoRemote(place)) as one:
            first(one)
        killed = MongoRemote(place)
        killed._server = killed._state._server = _Killed(place, changes)
        with suppress(_KilledError):
            second(killed)
        done = killed._server.left >= 0
        killed.close()
        expire(place)
        outcomes.add(tuple(everything(place)))
        with closing(MongoRemote(place)) as one:
            second(one)
        left = dump(place)
        assert "secret" not in repr(left)
        assert left["journal"] == []
        assert {each["of"] for each in left["chunks"]} == {"message b", "thread t"}
        if done:
            break
    assert len(outcomes) == 2


def expire(address: str) -> None:
    """Let the time pass after which a lock of a killed process no longer counts."""
    with pymongo.MongoClient[Any](address) as client:
        state = client.get_default_database()["state"]
        state.update_one({"_id": "state", "holder": {"$ne": None}}, {"$set": {"holder.until": 0.0}})


def test_a_writer_that_lost_its_lock_writes_nothing(address: str) -> None:
    """If another machine took the lock over meanwhile, nothing counts, and nothing is left."""
    before = dump(address)

    def slow() -> None:
        with closing(MongoRemote(address)) as one, one.writing() as open_:
            open_.put([content("a", text="large" * 100)])
            expire(address)
            with closing(MongoRemote(address)) as other, other.writing():
                pass

    with pytest.raises(RemoteFailed, match="took the lock over"):
        slow()
    assert {name: those for name, those in dump(address).items() if those} == {
        name: those for name, those in before.items() if those
    }


def test_a_late_step_changes_nothing_that_is_newer(address: str) -> None:
    """Steps of an earlier write, done again after a later one, leave what the later one wrote."""
    with closing(MongoRemote(address)) as one:
        first(one)
        old = journal.Steps({"turns": [cells.written(turn("t1", "old"), 1)]}, {"threads": ["t"]})
        second(one)
        with one.writing() as open_:
            open_.put([turn("t1", "new")])
        journal.apply(one._server, old, "x", 1)
        assert one.threads_with(["t1"]) == {"t1": "new"}
        assert len([*one.documents("thread", ["t"])]) == 1


def test_a_lock_says_who_holds_it(address: str) -> None:
    """Whoever waits in vain is told who writes."""
    sentence = r"is being written to by process \d+ on "
    with closing(MongoRemote(address)) as one, closing(MongoRemote(address, patience=0)) as other, one.writing():
        refused = pytest.raises(RemoteFailed, match=sentence)
        with refused, other.writing():
            raise AssertionError


def test_rows_can_be_read_by_a_person(server: str) -> None:
    """A turn is one document, its id is the turn's, and its rows are as they are in a log."""
    address = prepared(server)
    with closing(MongoRemote(address)) as one, one.writing() as open_:
        open_.put([content("a"), turn("t1", refs=("message a",))])
    (found,) = dump(address)["turns"]
    assert (found["_id"], found["thread_id"], found["refs"]) == ("t1", "t", ["message a"])
    assert found["rows"] == {"turns": [{"id": "t1", "datetime_utc": "2026-11-29"}]}


def test_the_database_is_that_of_the_address() -> None:
    """An address without a database means llm_sessions; listings show neither password nor options."""
    with closing(MongoRemote("mongodb://me:pass@127.0.0.1/?tlsCertificateKeyFilePassword=x")) as one:
        assert one._server.database.name == "llm_sessions"
        assert one.place == "mongodb://me@127.0.0.1/"
    with closing(MongoRemote("mongodb://127.0.0.1/notes")) as one:
        assert one._server.database.name == "notes"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.OperationFailure("Authentication failed.", 18), "refuses this user or password"),
        (errors.OperationFailure("bad auth", 8000), "refuses this user or password"),
        (errors.OperationFailure("not authorized on notes", 13), "doesn't allow this user"),
        (errors.OperationFailure("operation exceeded", 50), "took too long"),
        (errors.NetworkTimeout("timed out"), "took too long"),
        (errors.ServerSelectionTimeoutError("refused p@ss, Timeout: 30s"), "can't be reached: refused …"),
        (errors.ConfigurationError("reports wire version 2, but needs 8"), "too old"),
        (errors.InvalidURI("no host"), "not a usable address"),
        (errors.BulkWriteError({"writeErrors": [{"code": 13, "errmsg": "no"}]}), "doesn't allow this user"),
        (errors.DocumentTooLarge("too large"), "refused a request: too large"),
    ],
)
def test_errors_are_sentences(error: Exception, sentence: str) -> None:
    """Each error says what happened to which address, and never the password."""
    uri = "mongodb://me:p%40ss@host/notes?tls=true"
    with pytest.raises(RemoteFailed) as raised, in_sentences(uri):
        raise error
    assert sentence in str(raised.value)
    assert "mongodb://me@host/notes" in str(raised.value)
    assert "p@ss" not in str(raised.value)
    assert "p%40ss" not in without_secrets(uri)


def test_a_server_that_is_not_there_is_told() -> None:
    """An address where nothing listens, and one that is none, are errors of every question."""
    for address, match in (
        ("mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=50", "can't be reached"),
        ("mongodb://127.0.0.1:nine/x", "not a usable address"),
    ):
        with closing(MongoRemote(address)) as one:
            for asked in (one.condition, one.prepare, one.buckets):
                with pytest.raises(RemoteFailed, match=match):
                    asked()


def test_a_database_that_is_not_ours_is_told(server: str, address: str) -> None:
    """One that was never written to, one of a newer version, and a document of another shape are sentences."""
    with closing(MongoRemote(f"{server}/nothing")) as one:
        assert one.condition().version == 0
        with pytest.raises(RemoteFailed, match="no conversations yet"):
            one.buckets()
    with pymongo.MongoClient[Any](address) as client, closing(MongoRemote(address)) as one:
        database = client.get_default_database()
        database["turns"].insert_one({"_id": "t9", "thread_id": "t", "rows": [5], "refs": [], "machine": 1})
        for asked in (lambda: [*one.documents("turn", ["t9"])], lambda: [*one.stamps(["t"])]):
            with pytest.raises(RemoteFailed, match="can't be read"):
                asked()
        database["state"].update_one({"_id": "state"}, {"$set": {"version": 2}})
        for newer in (one.condition, one.prepare, one.buckets):
            with pytest.raises(RemoteFailed, match="newer version"):
                newer()


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pymongo, the sentence says how to install it."""
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with closing(MongoRemote("mongodb://127.0.0.1/x")) as one, pytest.raises(RemoteFailed, match=r"\[mongodb\]"):
        one.buckets()


class _Said:
    """A server that says who the user is."""

    def __init__(self, hello: dict[str, Any], status: dict[str, Any] | None) -> None:
        self._hello, self._status = hello, status
        self.database = self.client = self.admin = self
        self.name = "notes"

    def hello(self) -> dict[str, Any]:
        return self._hello

    def command(self, name: str, **more: Any) -> dict[str, Any]:
        if self._status is None:
            raise errors.OperationFailure("no such command", 59)
        return {"authInfo": self._status}


READING = {"resource": {"db": "notes"}, "actions": ["find"]}
ALL = {"resource": {"db": "notes"}, "actions": ["find", "insert", "update", "remove"]}
ELSEWHERE = {"resource": {"db": "other"}, "actions": ["find", "insert", "update", "remove"]}


@pytest.mark.parametrize(
    ("hello", "status", "writable"),
    [
        ({"isWritablePrimary": False}, None, False),
        ({}, None, True),
        ({}, {"authenticatedUsers": []}, True),
        ({}, {"authenticatedUsers": [1], "authenticatedUserPrivileges": [READING, ELSEWHERE]}, False),
        ({}, {"authenticatedUsers": [1], "authenticatedUserPrivileges": [READING, ALL]}, True),
    ],
)
def test_rights_are_as_the_server_says(hello: dict[str, Any], status: dict[str, Any] | None, writable: bool) -> None:
    """A user who may only read, or only write elsewhere, is told so by a test of the remote."""
    said_: Any = _Said(hello, status)
    assert rights.may_write(said_) is writable

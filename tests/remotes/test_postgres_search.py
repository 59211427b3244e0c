"""The rules of searching a PostgreSQL remote: any text is a query, and what is found is shown as in a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import NoSuchSession, RemoteFailed
from llm_session_memory.memory import Memory
from llm_session_memory.model import Filters, Hit
from llm_session_memory.model.remotes import Document
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.remotes.postgres.searching import found
from llm_session_memory.store import Log
from llm_session_memory.store.documents import documents
from tests.world import postgres_server
from tests.world.everything import write_family, write_world
from tests.world.laws import PROFILE
from tests.world.many import write_many

NOTHING = Filters()
LOGS = {"many": write_many, "world": write_world, "family": write_family}


@pytest.fixture(name="remote", scope="module")
def _remote() -> Iterator[PostgresRemote]:
    here = postgres_server.shared()
    with closing(PostgresRemote(here.address(here.prepared()))) as remote:
        yield remote


@pytest.fixture(name="log", scope="module", params=LOGS)
def _log(request: pytest.FixtureRequest, remote: PostgresRemote, tmp_path_factory: pytest.TempPathFactory) -> Memory:
    """A log whose conversations are the ones that the remote has."""
    path = tmp_path_factory.mktemp("log") / "logs.db"
    LOGS[request.param](path)
    push(path, remote)
    return Memory(path)


def push(path: Path, remote: PostgresRemote) -> None:
    """Put all conversations of a log on a remote, in place of what is there."""
    with closing(Log.open(path)) as log:
        log.migrate()
        threads = log.tuples("select id from threads union select id from conversations")
        sent = list(documents(log, [id_ for (id_,) in threads], machine="m", person="p"))
    there = remote.server.rows("select kind, key from SCHEMA.remote_documents")
    with remote.writing() as writing:
        for kind, key in there:
            writing.remove(kind, [key])
        writing.put(sent)


def test_a_remote_is_searched_as_a_log_is(log: Memory, remote: PostgresRemote) -> None:
    """Exchanges, their numbers and what is shown of them are those of a search in the log, except in tool results.

    An ordinary run searches for each third word that was said.
    """
    said = [prompt for (prompt,) in remote.server.rows("select prompt from SCHEMA.turn_search order by prompt")]
    words = sorted({word for prompt in said for word in re.findall(r"[a-zA-Z]{5,}", prompt)})
    if PROFILE != "ci":
        words = [*words[:-1:3], *words[-1:]]
    amount = 0
    for text in ("harbour week", '"signs off"', "capital*", *words):
        here = [hit for hit in log.search(text, count=50) if hit.side in ("prompt", "reply")]
        there = {shown(hit) for hit in found(remote.server, text, NOTHING, count=50)}
        assert {shown(hit) for hit in here} <= there, text
        amount += len(here)
    assert amount > 5


def shown(hit: Hit) -> tuple[object, ...]:
    """Return what a hit says about its exchange."""
    return hit.session, hit.number, hit.exchange_id, hit.model


def test_only_prompts_and_replies_of_what_was_asked_for_are_found(remote: PostgresRemote, tmp_path: Path) -> None:
    """Sessions, times, models, tags, projects and ratings narrow a search; the newest come first if that is wanted."""
    write_many(tmp_path / "logs.db")
    push(tmp_path / "logs.db", remote)

    def numbers(**asked: object) -> list[int]:
        return [hit.number for hit in found(remote.server, "chapter", Filters(**asked), session="draft")]  # type: ignore[arg-type]

    assert sorted(numbers()) == [1, 2]
    assert numbers(since="2026-09-01T08:00:30") == [2]
    assert numbers(until="2026-09-01T08:00:30") == [1]
    assert numbers(model="nobody's") == []
    assert sorted(numbers(tags=("PIER",), project="Bridge", model="gpt-4o-mini")) == [1, 2]
    assert numbers(tags=("other",)) == numbers(project="none") == []
    assert numbers(rated="good") == [1]
    assert numbers(rated="down") == [2]
    assert numbers(rated="none") == []
    newest = found(remote.server, "chapter", NOTHING, latest=True)
    assert [hit.exchange_id for hit in newest] == sorted((hit.exchange_id for hit in newest), reverse=True)
    assert len(found(remote.server, "chapter", NOTHING, count=1)) == 1


def test_whole_words_come_before_longer_ones_and_some_words_are_better_than_none(remote: PostgresRemote) -> None:
    """Accents and capitals don't count; phrases do."""
    put(remote, ("a", "Café", "open"), ("b", "cafes", "open"), ("c", "cafe", "closed, but open again"))
    assert ids(remote, "CAFE") == ["c", "a", "b"] or ids(remote, "CAFE") == ["a", "c", "b"]
    assert ids(remote, "cafe closed nonsense")[0] == "c"
    assert ids(remote, '"closed but"') == ["c"]
    assert ids(remote, '"open closed"') == []
    assert sorted(ids(remote, "caf*")) == ["a", "b", "c"]


def test_deleted_texts_are_not_found(remote: PostgresRemote) -> None:
    """What is removed or replaced is gone from the index in the same moment."""
    put(remote, ("a", "secret harbour", "yes"), ("b", "harbour", "yes"))
    assert ids(remote, "secret") == ["a"]
    with remote.writing() as writing:
        writing.put([turn("b", "quay", "yes")])
        writing.remove("turn", ["a"])
    assert ids(remote, "harbour") == []
    assert ids(remote, "quay") == ["b"]


def test_texts_of_any_size_are_kept_and_their_beginnings_found(remote: PostgresRemote) -> None:
    """PostgreSQL keeps a megabyte of words for a row: of longer texts, those at the beginning are found."""
    many = " ".join(f"w{number:x}-v{number}" for number in range(60_000))
    put(remote, ("a", f"harbour {many}", many), ("b", "harbour" * 400_000, "x" * 3_000_000))
    assert ids(remote, "harbour w7-v7") == ["a"]


HOSTILE = (
    "'",
    "\\",
    "a' | 'b",
    "a & b | !c:*",
    "((",
    ":*",
    "\x1b[2J pier",
    "a\0b",
    "\ud800 x",
    "<->",
    "a:ABCD",
    "* *",
    "''':*",
)


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30)))
def test_no_text_is_syntax(remote: PostgresRemote, text: str) -> None:
    """Whatever is typed is words, or has none and says so."""
    try:
        found(remote.server, text, NOTHING, session=None)
    except RemoteFailed as error:
        assert "searched only for words" in str(error)  # noqa: PT017  both are allowed


def test_names_that_are_not_there_are_said(remote: PostgresRemote) -> None:
    """A session or a project that nobody has there is an error, not an empty answer."""
    with pytest.raises(NoSuchSession, match="Session “nobody” not found at"):
        found(remote.server, "pier", NOTHING, session="nobody")
    with pytest.raises(NoSuchSession, match="Project “nothing” not found at"):
        found(remote.server, "pier", Filters(project="nothing"))


def put(remote: PostgresRemote, *texts: tuple[str, str, str]) -> None:
    """Put a session of calls on a remote, each an id, a prompt and a reply, in place of what is there."""
    there = remote.server.rows("select kind, key from SCHEMA.remote_documents")
    session = {"thread_id": "t", "name": "s", "name_key": "s", "created_utc": "2026"}
    with remote.writing() as writing:
        for kind, key in there:
            writing.remove(kind, [key])
        writing.put([Document("thread", "t", {"threads": [{"id": "t"}], "memory_sessions": [session]}, thread_id="t")])
        writing.put([turn(*one) for one in texts])


def turn(id_: str, prompt: str, response: str) -> Document:
    """Return a call as a document."""
    rows = {
        "turns": [{"id": id_, "thread_id": "t", "model": "m", "datetime_utc": "2026-09-01T08:00:00"}],
        "turn_search": [{"turn_id": id_, "prompt": prompt, "response": response}],
    }
    return Document("turn", id_, rows, thread_id="t")


def ids(remote: PostgresRemote, text: str) -> list[str]:
    """Return the calls that a text finds."""
    return [hit.exchange_id for hit in found(remote.server, text, NOTHING)]

"""Redaction: no secret is left anywhere, everything else stays, and llm's hashes are valid."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import llm
import pytest
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.errors import SessionError
from llm_session_memory.model import Attempt
from llm_session_memory.services.bundle import Services
from llm_session_memory.store.attempts import Attempts, overflow
from llm_session_memory.store.index import Index
from tests.store.test_deletion import checked
from tests.world.logs import LogBuilder, Said
from tests.world.secret_log import OPENAI, PASSWORD, PEM, key, secret_log

FORMS = [one.encode() for one in (OPENAI, OPENAI.lower(), PASSWORD, PEM, json.dumps(PEM)[1:-1], PEM.splitlines()[1])]


def redacted(path: Path) -> None:
    """Find and replace all secrets of a log."""
    with Services.open(path) as services:
        services.secrets.redact(services.secrets.find())


def counts(path: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        own = [name for name in names if "_fts" not in name and not name.startswith(("memory_words", "sqlite_"))]
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in own}


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_no_byte_of_a_secret_is_left(tmp_path: Path, mode: str) -> None:
    """Not in the file or beside it, in no index, and in no form; llm's own check and ours find nothing wrong."""
    path = tmp_path / "logs.db"
    secret_log(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"pragma journal_mode = {mode}")
    before = counts(path)
    redacted(path)
    left = {one.name: form for one in tmp_path.iterdir() for form in FORMS[1:] if form in one.read_bytes()}
    assert left == {}
    picture = b"\x89PNG\r\n\x1a\n\x00" + OPENAI.encode()  # no text, so it is left alone
    assert sum(one.read_bytes().replace(picture, b"").count(FORMS[0]) for one in tmp_path.iterdir()) == 0
    assert LogStore(Database(path)).verify() == []
    after = counts(path)
    assert {name for name in before if before[name] != after[name]} == {"memory_changed", "memory_changes"}
    with Services.open(path) as services:
        log = services.desk.log
        for index in ("memory_words", "turn_search_fts", "responses_fts"):
            log.run(f"create virtual table temp.vocabulary using fts5vocab(main, {index}, row)")
            needle = OPENAI.removeprefix("sk-proj-").lower()[:12]
            assert not log.rows("select term from temp.vocabulary where term glob :x", {"x": f"*{needle}*"})
            log.run("drop table temp.vocabulary")
        assert services.secrets.find() == []
    checked(path)


def test_what_is_beside_a_secret_is_still_found(tmp_path: Path) -> None:
    """Passages have the words that they had, at their places, also those behind a secret; numbers stay the same."""
    path = tmp_path / "logs.db"
    secret_log(path)
    with Services.open(path) as services:
        before = services.desk.log.tuples("select id, thread, turn_id, side, part from memory_passages order by id")
    redacted(path)
    with Services.open(path) as services:
        log = services.desk.log
        assert log.tuples("select id, thread, turn_id, side, part from memory_passages order by id") == before
        rows = log.rows("select * from memory_passages")
        texts = Index(log).texts(rows)
        assert any(text.endswith("behind it are words about bridges.") for text in texts.values())
        assert any("[redacted: OpenAI key] it is" in text for text in texts.values())
        hits = services.search("bridges", session="work")
        assert [hit.number for hit in hits] == [2]
        log.run("insert into memory_words (memory_words) values ('integrity-check')")


def test_another_conversation_is_left_alone(tmp_path: Path) -> None:
    """Messages without a secret keep their hashes, and a request that had one is marked as changed."""
    path = tmp_path / "logs.db"
    secret, other = secret_log(path)
    sql = "select id, parent_message_hash, tip_message_hash from turns where thread_id = :id order by id"
    with Services.open(path) as services:
        before = services.desk.log.tuples(sql, {"id": other})
    redacted(path)
    with Services.open(path) as services:
        log = services.desk.log
        assert log.tuples(sql, {"id": other}) == before
        changed = {id_ for (id_,) in log.tuples("select turn_id from memory_changed")}
        assert changed == {row[0] for row in log.tuples(sql, {"id": secret})}
        tips = "select t.tip_message_hash in (select hash from messages) from threads t"
        assert {one for (one,) in log.tuples(tips)} == {1}


def test_names_and_their_keys_stay_together(tmp_path: Path) -> None:
    """A session, tag, snapshot and project whose name is a secret can be found by the new name."""
    path = tmp_path / "logs.db"
    secret_log(path)
    value = key("ghp_", 36)
    with Services.open(path) as services:
        services.projects.create(f"p {value}")
        services.projects.move("work", f"p {value}")
        services.sessions.rename("work", f"s {value}")
        services.secrets.redact(services.secrets.find())
        session = services.sessions.get("s [redacted: GitHub token]")
        assert session.project == services.projects.get("p [redacted: GitHub token]").key
        assert services.notes.tags(session.name) == ["[redacted: OpenAI key]"]
        assert services.snapshots.get(session.name, "before [redacted: OpenAI key]")
        assert services.snapshots.restore(session.name, "before [redacted: OpenAI key]")


def test_a_reply_that_was_interrupted_is_changed_in_its_file(tmp_path: Path) -> None:
    """The file beside the log that has the rest of an interrupted reply has no secret either."""
    path = tmp_path / "logs.db"
    secret_log(path)
    file = overflow(path, "01zz")
    file.parent.mkdir()
    file.write_text(f"Use {OPENAI}")
    redacted(path)
    assert file.read_text() == "Use [redacted: OpenAI key]"


def test_nothing_is_replaced_while_a_prompt_is_being_sent(tmp_path: Path) -> None:
    """A process that is sending a prompt would log the old messages again, so the redaction is refused, whole."""
    path = tmp_path / "logs.db"
    secret, _ = secret_log(path)
    with Services.open(path) as services:
        attempts = Attempts(services.desk.log)
        with services.writing():
            attempts.open(Attempt("01zy", secret, "scripted", "Hello", "", "", "2026-11-28T08:00:00+00:00", None, {}))
        found = services.secrets.find()
        with pytest.raises(SessionError, match="another process is sending a prompt in “work”"):
            services.secrets.redact(found)
        assert services.secrets.find() == found


def test_a_fragment_that_becomes_equal_to_another_is_that_one(tmp_path: Path) -> None:
    """Two files that differ in a key only are one fragment afterwards, for both prompts."""
    path = tmp_path / "logs.db"
    one, two = (llm.Fragment(f"KEY={key('hf_', 34, seed=seed)}\n", "x.env") for seed in (1, 2))
    with LogBuilder(path) as built:
        thread = built.thread()
        built.turns(thread, Said("What is it?", "A key.", fragments=(one,)), Said("And now?", "One.", fragments=(two,)))
        built.responses(built.thread(), Said("What is it?", "A key.", fragments=(two,)))
    redacted(path)
    with Services.open(path) as services:
        log = services.desk.log
        assert log.tuples("select content from fragments") == [("KEY=[redacted: Hugging Face token]\n",)]
        assert log.value("select count(distinct fragment_id) from turn_fragments") == 1
    assert LogStore(Database(path)).verify() == []
    checked(path)

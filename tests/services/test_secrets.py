"""Finding secrets in a log: every place that has one is named, by session and exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory.model import Secret
from llm_session_memory.services import secrets
from llm_session_memory.services.bundle import Services
from llm_session_memory.store import secret_texts
from tests.world.logs import LogBuilder, Said, as_read_only, as_writable
from tests.world.secret_log import OPENAI, PASSWORD, PEM, key, secret_log


def places(found: list[Secret], value: str) -> set[tuple[str, int | None, str]]:
    """Return where a secret was found: session, exchange, and place in words."""
    return {(one.name, one.number, one.where) for secret in found if secret.value == value for one in secret.places}


EVERYWHERE = {
    *(("work", 1, where) for where in ("prompt", "reply", "fragment", "name of a fragment")),
    *(("work", 2, where) for where in ("prompt", "reply", "fragment", "name of a fragment", "tool result")),
    ("work", 2, "system prompt"),
    *(("work", 3, where) for where in ("note of a rating", "snapshot", "name of a snapshot")),
    *(("work", None, where) for where in ("system prompt", "fact", "tag", "summary", "note")),
    *(("work", None, where) for where in ("failed prompt", "error of a failed prompt", "request of a failed prompt")),
    ("work", None, "llm's name of the conversation"),
}


def test_every_place_of_a_secret_is_named(tmp_path: Path) -> None:
    """Messages, what went with them, the index of llm, and all that we keep: each place once, with its exchange."""
    secret_log(tmp_path / "logs.db")
    with Services.open(tmp_path / "logs.db") as services:
        found = services.secrets.find()
        assert {one.value for one in found} == {OPENAI, PASSWORD, PEM}
        assert places(found, OPENAI) == EVERYWHERE
        assert places(found, PASSWORD) == {("work", 2, "attachment"), ("", None, "note for all sessions")}
        assert ("work", 2, "tool result in full") in places(found, PEM)
        assert OPENAI not in repr(found)


def test_only_one_session_is_looked_at(tmp_path: Path) -> None:
    """With a conversation, the others are not looked at; what belongs to no conversation is left out."""
    secret, other = secret_log(tmp_path / "logs.db")
    with Services.open(tmp_path / "logs.db") as services:
        found = services.secrets.find(secret)
        assert places(found, OPENAI) == EVERYWHERE
        assert places(found, PASSWORD) == {("work", 2, "attachment")}
        assert services.secrets.find(other) == []


def test_every_column_has_a_name_in_words(tmp_path: Path) -> None:
    """A new column of texts gets a name for people, or is left out with the other ids and settings."""
    secret_log(tmp_path / "logs.db")
    with Services.open(tmp_path / "logs.db") as services:
        every = {(one.table, column) for one in secret_texts.tables(services.desk.log) for column, _ in one.columns}
        said = secrets._WHERE.keys() | {("parts", "text"), ("parts", "payload"), ("messages", "provider_metadata")}
        assert every - said == set()


@pytest.mark.parametrize("generation", ["responses", "turns"])
def test_plain_logs_are_read_too_and_nothing_is_written(tmp_path: Path, generation: str) -> None:
    """A log without our tables, of either generation, is searched as it is, though it is read-only."""
    path, value = tmp_path / "logs.db", key("ghp_", 36)
    with LogBuilder(path) as log:
        getattr(log, generation)(log.thread(), Said("Hello", f"Use {value}"))
    as_read_only(path)
    with Services.open(path) as services:
        [found] = services.secrets.find()
        assert [(one.where, one.number) for one in found.places] == [("reply", 1)]
        assert not services.desk.log.columns("memory_sessions")
    as_writable(path)

"""The rules of `llm sessions query` and `llm sessions search` with --remote."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.remotes.postgres.remote import PostgresRemote
from tests.conftest import Command
from tests.remotes.test_postgres_search import push
from tests.world import postgres_server
from tests.world.logs import LogBuilder
from tests.world.many import write_many


@pytest.fixture(name="team", scope="module")
def _team(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a remote that has the sessions draft and draft-b."""
    here = postgres_server.shared()
    address = here.address(here.database())
    path = tmp_path_factory.mktemp("team") / "logs.db"
    write_many(path)
    with closing(PostgresRemote(address)) as remote:
        remote.prepare()
        push(path, remote)
    return address


@pytest.fixture(name="ours")
def _ours(llm_: Command, log: Path, team: str, tmp_path: Path) -> Path:
    """A log without conversations that knows the remotes team and drive."""
    with LogBuilder(log):
        pass
    llm_("sessions", "remote", "add", "team", team).ok()
    llm_("sessions", "remote", "add", "drive", str(tmp_path / "drive")).ok()
    return log


def test_a_query_is_asked_of_a_remote(llm_: Command, ours: Path) -> None:
    """Output and parameters are those of a query of the log."""
    assert "No rows." in llm_("sessions", "query", "tokens_by_model").ok().err
    asked = ("sessions", "query", "cost_by_session", "--remote", "team")
    first = json.loads(llm_(*asked, "--json").ok().out)[0]
    assert (first["session"], first["dollars"], first["calls"]) == ("draft", 0.0389, 6)
    assert llm_(*asked, "--csv", "-p", "days", "1").ok().out == "session,dollars,calls,thread_id\n"
    assert "Query “jobs” reads data that stays on each machine" in llm_(*asked[:2], "jobs", *asked[3:]).err
    assert "Project “nothing” not found at" in llm_(*asked, "--project", "nothing").err
    assert "draft-b" in llm_(*asked, "--project", "BRIDGE").ok().out


def test_a_query_for_a_remote_can_be_read(llm_: Command, ours: Path) -> None:
    """It is printed as psql runs it, without asking the server."""
    said = llm_("sessions", "query", "slowest_calls", "--remote", "team", "--sql").ok().out
    assert "\n\\set model ''\nset search_path = \"llm_sessions\";\nwith calls as (" in said
    assert "order by duration_ms desc nulls last" in said


def test_a_remote_is_searched(llm_: Command, ours: Path) -> None:
    """Exchanges are shown as those of the log are, with the same options."""
    found = llm_("sessions", "search", "still", "rains", "--remote", "team").ok().out
    assert found.startswith("draft #2 · ")
    assert "reply: It still rains." in found
    asked = ("sessions", "search", "long book", "--remote", "team", "--json")
    assert {hit["session"] for hit in json.loads(llm_(*asked).ok().out)} == {"draft", "draft-b"}
    assert [hit["number"] for hit in json.loads(llm_(*asked, "-s", "draft", "--rated", "good").ok().out)] == [1]
    assert llm_("sessions", "search", "nowhere at all", "--remote", "team", "-m", "x").err == "No matches.\n"
    assert "--raw can't be combined with --remote" in llm_(*asked, "--raw").err


def test_only_a_server_can_be_asked(llm_: Command, ours: Path) -> None:
    """A folder keeps conversations, and its name is not enough to find a server."""
    assert "Remote “drive” only keeps conversations." in llm_("sessions", "search", "tide", "--remote", "drive").err
    assert "Remote “drives” not found." in llm_("sessions", "query", "tags", "--remote", "drives").err

"""Rights on a PostgreSQL server: who may only read, who may do nothing, and a team that docs/team.sql is made for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.insight.catalogue import catalogue
from llm_session_memory.model import Filters
from llm_session_memory.model.remotes import Digest, Document
from llm_session_memory.remotes.postgres.asking import columns_and_rows
from llm_session_memory.remotes.postgres.job_board import Board
from llm_session_memory.remotes.postgres.remote import PostgresRemote
from llm_session_memory.remotes.postgres.searching import found
from llm_session_memory.remotes.postgres.server import Server
from tests.remotes.documents import said
from tests.world.postgres_server import Postgres

TEAM = Path(__file__).parent.parent.parent / "docs" / "team.sql"
SECRET = "hush"


@pytest.fixture(name="database")
def _database(postgres: Postgres) -> str:
    return postgres.database()


# -- one role ---------------------------------------------------------------------


def test_a_role_that_may_only_read_pulls_and_is_told_that_it_can_not_push(postgres: Postgres) -> None:
    database = postgres.prepared()
    with closing(PostgresRemote(postgres.address(database))) as owner:
        push(owner, "t", "bridge", "hello")
    role = postgres.role()
    postgres.run(f"grant usage on schema llm_sessions to {role}", database=database)
    postgres.run(f"grant select on all tables in schema llm_sessions to {role}", database=database)
    with closing(PostgresRemote(postgres.address(database, role))) as reader:
        assert not reader.condition().writable
        reader.prepare()  # there is nothing to make
        assert [one.name for one in reader.listed()] == ["t"]
        assert len(list(reader.documents("turn", ["turn-t"]))) == 1
        assert reader.buckets()
        with pytest.raises(RemoteFailed, match="no right"), reader.writing() as writing:
            writing.put(conversation("u", None, "hello"))


def test_a_role_without_rights_gets_sentences(postgres: Postgres, database: str) -> None:
    role = postgres.role()
    with closing(PostgresRemote(postgres.address(database, role))) as stranger:
        assert stranger.condition().version == 0
        assert not stranger.condition().writable
        with pytest.raises(RemoteFailed, match="no right"):
            stranger.prepare()
        with closing(PostgresRemote(postgres.address(database))) as owner:
            owner.prepare()
        for use in (stranger.condition, stranger.prepare, stranger.buckets):
            with pytest.raises(RemoteFailed, match="no right"):
                use()


def test_a_schema_that_is_there_needs_no_right_to_make_one(postgres: Postgres, database: str) -> None:
    role = postgres.role()
    postgres.run(f'create schema "team A" authorization {role}', database=database)
    with closing(PostgresRemote(postgres.address(database, role), "team A")) as remote:
        assert remote.condition().writable
        remote.prepare()
        assert remote.condition().version > 0


# -- a team -----------------------------------------------------------------------


Open = Callable[[str], PostgresRemote]


@pytest.fixture(name="made", scope="module")
def _made(postgres: Postgres) -> tuple[str, dict[str, str]]:
    """A database with the rights of docs/team.sql, and its roles. Anna works on the project “bridge”, Ben doesn't."""
    database, roles = postgres.database(), {name: postgres.role() for name in ("owner", "anna", "ben")}
    postgres.run("do $$ begin create role llm_team; exception when duplicate_object then null; end $$")
    postgres.run(f"grant llm_team to {roles['anna']}, {roles['ben']}")
    postgres.run(f"grant create on database {database} to {roles['owner']}")
    with closing(PostgresRemote(postgres.address(database, roles["owner"]))) as owner:
        owner.prepare()
        with closing(Board(postgres.address(database, roles["owner"]))) as board:
            board.prepare()
        for _ in range(2):  # it may be run again
            owner.server.script(TEAM.read_text("utf-8").replace("begin;", "").replace("commit;", ""))
        owner.server.run(f"insert into llm_sessions.team_projects values ('bridge', '{roles['anna']}')")
    return database, roles


@pytest.fixture(name="team")
def _team(postgres: Postgres, made: tuple[str, dict[str, str]]) -> Iterator[Open]:
    """A remote of the team's own, as each of its roles sees it."""
    like, roles = made
    database = postgres.database(like)
    remotes = {name: PostgresRemote(postgres.address(database, role)) for name, role in roles.items()}
    yield remotes.__getitem__
    for remote in remotes.values():
        remote.close()


def conversation(key: str, project: str | None, text: str) -> list[Document]:
    """Return the documents of a conversation: its name is its id, and all texts contain `text`."""
    ids = (f"message {key}-message", "message common")
    return [
        Document("attachment", f"{key}-file", {"attachments": [{"id": f"{key}-file", "content": text.encode()}]}),
        Document("message", "common", {"messages": [{"hash": "common", "role": "system"}]}),
        Document(
            "message",
            f"{key}-message",
            {
                "messages": [{"hash": f"{key}-message", "role": "user"}],
                "parts": [{"message_hash": f"{key}-message", "text": text}],
                "of a newer version": [{"text": text}],
            },
            refs=(f"attachment {key}-file",),
        ),
        Document("turn", f"turn-{key}", {"turns": [{"id": f"turn-{key}", "model": text}]}, key, ids, 1, "m-1", 1),
        Document(
            "thread",
            key,
            {
                "memory_sessions": [{"thread_id": key, "name": key, "system": text, "project": project}],
                "memory_projects": [{"name_key": project, "name": text}] if project else [],
                "memory_notes": [{"thread_id": key, "text": text}],
            },
            key,
            bucket="s-00",
            stamp=1,
        ),
    ]


def push(remote: PostgresRemote, key: str, project: str | None, text: str) -> None:
    """Send a conversation with its digests."""
    with remote.writing() as writing:
        writing.put(conversation(key, project, text))
        writing.set_digests({("m-1", key): Digest(1, 1), ("s-00", key): Digest(1, 1)})


def everything(server: Server) -> str:
    """Return all that a role can read through the tables and views of the schema."""
    relations = server.rows(
        "select table_name from information_schema.table_privileges"
        " where table_schema = 'llm_sessions' and privilege_type = 'SELECT' and grantee = 'llm_team'"
    )
    assert len(relations) > 40
    return repr([(name, server.rows(f'select * from SCHEMA."{name}"')) for (name,) in relations])


def test_a_member_reads_nothing_of_anothers_private_project_through_any_table_or_view(team: Open) -> None:
    push(team("anna"), "hush-thread", "bridge", SECRET)
    push(team("anna"), "open-thread", None, "for all")
    assert SECRET in everything(team("anna").server)
    seen = everything(team("ben").server)
    assert SECRET not in seen
    assert "for all" in seen


def test_a_member_reads_no_prompt_of_a_job(team: Open) -> None:
    owner, ben = team("owner").server, team("ben").server
    owner.run("insert into SCHEMA.remote_queues values ('q', 'llama3', false, '[]')")
    job = "(id, name, kind, settings, created_utc) values ('job', 'job', 'batch', '{}', '')"
    owner.run(f"insert into SCHEMA.remote_jobs {job}")
    item = f"(job_id, position, key, model, input, queue) values ('job', 1, '1', 'llama3', '\"{SECRET}\"', 'q')"
    owner.run(f"insert into SCHEMA.remote_items {item}")
    for table in ("remote_jobs", "remote_items", "remote_queues", "remote_workers"):
        with pytest.raises(RemoteFailed, match="no right"):
            ben.rows(f"select * from SCHEMA.{table}")
    assert SECRET not in everything(ben)


def test_a_member_pulls_what_it_may_see_and_no_more(team: Open) -> None:
    push(team("anna"), "hush-thread", "bridge", SECRET)
    push(team("anna"), "open-thread", None, "for all")
    ben = team("ben")
    assert [one.thread_id for one in ben.listed()] == ["open-thread"]
    assert ben.buckets() == {"m-1": Digest(1, 1), "s-00": Digest(1, 1)}
    assert [thread_id for _, thread_id, _ in ben.digests(["m-1"])] == ["open-thread"]
    assert list(ben.stamps(["hush-thread"])) == []
    assert ben.threads_with(["turn-hush-thread", "turn-open-thread"]) == {"turn-open-thread": "open-thread"}
    for kind, key in (
        ("message", "hush-thread-message"),
        ("attachment", "hush-thread-file"),
        ("turn", "turn-hush-thread"),
    ):
        assert list(ben.documents(kind, [key])) == []
    for one in conversation("open-thread", None, "for all"):
        assert [said(found) for found in ben.documents(one.kind, [one.key])] == [said(one)]


def test_content_that_is_there_unseen_is_seen_once_a_member_needs_it_too(team: Open) -> None:
    push(team("anna"), "hush-thread", "bridge", SECRET)
    assert list(team("ben").documents("message", ["common"])) == []
    push(team("ben"), "mine", None, "of Ben")
    assert len(list(team("ben").documents("message", ["common"]))) == 1
    assert team("owner").server.rows("select count(*) from SCHEMA.messages where hash = 'common'") == [(1,)]


def test_content_that_an_unseen_conversation_needs_is_not_taken_for_unneeded(team: Open) -> None:
    push(team("anna"), "hush-thread", "bridge", SECRET)
    push(team("ben"), "mine", None, "of Ben")
    with team("ben").writing() as writing:
        writing.remove("turn", ["turn-mine"])
        assert writing.referred(["message common", "message mine-message"]) == {"message common"}


def test_a_member_can_not_change_or_take_over_an_unseen_conversation(team: Open) -> None:
    push(team("anna"), "hush-thread", "bridge", SECRET)
    before = everything(team("anna").server)
    for project in (None, "bridge", "other"):
        with pytest.raises(RemoteFailed, match="A rule at|may not change"):
            push(team("ben"), "hush-thread", project, "of Ben")
    with team("ben").writing() as writing:
        writing.remove("thread", ["hush-thread"])
        writing.remove("turn", ["turn-hush-thread"])
        writing.set_digests({("m-1", "hush-thread"): None})
    assert everything(team("anna").server) == before


def test_a_member_with_psql_deletes_nothing_that_it_does_not_see(team: Open) -> None:
    push(team("anna"), "hush-thread", "bridge", SECRET)
    before = everything(team("anna").server)
    ben = team("ben").server
    for table in ("remote_documents", "remote_threads", "messages", "parts", "turns", "memory_sessions", "remote_more"):
        assert ben.run(f"delete from SCHEMA.{table}") == 0
    assert everything(team("anna").server) == before


def test_a_member_can_not_sign_for_another(team: Open) -> None:
    push(team("ben"), "mine", None, "of Ben")
    sql = "insert into SCHEMA.remote_documents select -1, 'tombstone', 'x', '', '{}', 0, '', 0, '', '', 'anna', now()"
    with pytest.raises(RemoteFailed, match="A rule at .* doesn't let this role write"):
        team("ben").server.run(sql)


def test_a_member_with_psql_can_not_make_another_the_sender(team: Open) -> None:
    push(team("ben"), "mine", None, "of Ben")
    for column in ("added_by", "key", "kind"):
        with pytest.raises(RemoteFailed, match="no right"):
            team("ben").server.run(f"update SCHEMA.remote_documents set {column} = 'anna' where thread_id = 'mine'")


@pytest.mark.parametrize("what", ["thread hush-thread", "turn turn-hush-thread"])
def test_a_member_can_not_delete_from_machines_what_it_does_not_see(team: Open, what: str) -> None:
    """All machines follow a tombstone. What is seen can be deleted, and what is not there."""
    push(team("anna"), "hush-thread", "bridge", SECRET)
    push(team("anna"), "open-thread", None, "for all")

    def bury(who: str, key: str) -> None:
        with team(who).writing() as writing:
            kind, id_ = key.split()
            rows = {"memory_tombstones": [{"kind": kind, "id": id_, "deleted_utc": "2026"}]}
            writing.put([Document("tombstone", key, rows, bucket="t-00", stamp=1)])

    with pytest.raises(RemoteFailed, match="no right|A rule at"):
        bury("ben", what)
    bury("ben", what.replace("hush", "open"))
    bury("ben", what.replace("hush", "unknown"))
    bury("anna", what)


def test_a_member_can_not_speak_for_anothers_project(team: Open) -> None:
    """A conversation that all see says nothing about a project that some don't see."""
    push(team("ben"), "mine", None, "of Ben")
    ben = team("ben").server
    ((doc,),) = ben.rows("select doc from SCHEMA.remote_documents where kind = 'thread' and key = 'mine'")
    changes = "SCHEMA.remote_memory_changes (remote_doc, remote_row, kind, thread_id, key)"
    for sql in (
        f"insert into SCHEMA.remote_memory_projects (remote_doc, remote_row, name_key) values ({doc}, 9, 'bridge')",
        f"insert into {changes} values ({doc}, 9, 'project', '', 'bridge')",
        "update SCHEMA.memory_sessions set project = 'bridge'",
    ):
        with pytest.raises(RemoteFailed, match="no right|A rule at"):
            ben.run(sql)


def test_both_members_push_and_pull_what_is_shared(team: Open) -> None:
    push(team("anna"), "shared", None, "first")
    push(team("ben"), "shared", None, "second")
    (found,) = team("anna").documents("thread", ["shared"])
    assert found.rows["memory_notes"][0]["text"] == "second"


def test_a_conversation_that_moves_into_a_private_project_is_no_longer_seen(team: Open) -> None:
    push(team("anna"), "moves", None, SECRET)
    assert SECRET in everything(team("ben").server)
    push(team("anna"), "moves", "bridge", SECRET)
    assert SECRET not in everything(team("ben").server)


# -- asking -----------------------------------------------------------------------


def test_queries_searches_and_views_show_a_member_only_what_they_may_see(team: Open) -> None:
    """What is asked of a remote is asked with the rights of who asks."""
    said_there = Document(
        "turn",
        "turn-t",
        {"turns": [{"id": "turn-t", "thread_id": "t"}], "turn_search": [{"turn_id": "turn-t", "prompt": SECRET}]},
        thread_id="t",
        bucket="m-1",
        stamp=2,
    )
    push(team("anna"), "t", "bridge", SECRET)
    with team("anna").writing() as writing:
        writing.put([said_there])
    settings, calls, costs = (catalogue()[f"sessions_{name}"] for name in ("settings", "search", "cost_by_session"))
    for name, amount in (("anna", 1), ("ben", 0)):
        server = team(name).server
        assert len(columns_and_rows(server, settings, {})[1]) == amount
        assert len(columns_and_rows(server, calls, {"q": SECRET})[1]) == amount
        assert len(columns_and_rows(server, costs, {})[1]) == amount
        assert len(found(server, SECRET, Filters())) == amount
        for view in ("calls", "exchanges", "sessions", "memory_session_list"):
            assert len(server.answer(f"select * from SCHEMA.{view}")[1]) == amount, view


def test_a_role_that_may_only_read_can_ask(postgres: Postgres) -> None:
    """Costs too, for which a query makes temporary tables; without that right there is a sentence."""
    database = postgres.prepared()
    with closing(PostgresRemote(postgres.address(database))) as owner:
        push(owner, "t", None, "gpt-4o-mini")
    role = postgres.role()
    postgres.run(f"grant usage on schema llm_sessions to {role}", database=database)
    postgres.run(f"grant select on all tables in schema llm_sessions to {role}", database=database)
    costs = catalogue()["sessions_cost_by_model"]
    with closing(PostgresRemote(postgres.address(database, role))) as reader:
        assert len(columns_and_rows(reader.server, costs, {})[1]) == 1
        postgres.run(f"revoke temporary on database {database} from public", database=database)
        with pytest.raises(RemoteFailed, match="no right"):
            columns_and_rows(reader.server, costs, {})

"""What decides whether a conversation goes to a remote: who has a name, what it is related to, and what went before."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from .log import Log

Pairs = list[tuple[str, str]]
"""Two threads each."""


class NamedSession(NamedTuple):
    """A session, as far as it decides what goes. `project` is the key of its project."""

    thread_id: str
    name: str
    name_key: str
    project: str | None
    private: int
    recall_from: str | None
    projects_recall_from: str | None


def sessions(log: Log) -> list[NamedSession]:
    """Return all sessions."""
    sql = (
        "select s.thread_id, s.name, s.name_key, s.project, s.private, s.recall_from, p.recall_from"
        " from memory_sessions s left join memory_projects p on p.name_key = s.project"
    )
    return [NamedSession(*row) for row in log.tuples(sql)]


def shared_names(log: Log) -> dict[str, str]:
    """Return the shared names of the sessions that are called otherwise in a log, by their names there."""
    sql = "select s.name, n.name from memory_sessions s join memory_shared_names n on n.thread_id = s.thread_id"
    return dict(log.tuples(sql))


def conversations(log: Log) -> set[str]:
    """Return all conversations that have something in them, and all sessions."""
    sql = "select id from threads union select id from conversations union select thread_id from memory_sessions"
    return {one for (one,) in log.tuples(sql) if one}


def tagged(log: Log, keys: Collection[str]) -> set[str]:
    """Return the threads with one of some tags, given by their keys."""
    sql = "select thread_id from memory_tags where tag_key in (select value from json_each(:keys))"
    return {one for (one,) in log.tuples(sql, {"keys": json.dumps([*keys])})} if keys else set()


def forks(log: Log) -> Pairs:
    """Return each fork with what it was forked from, as we know it or llm."""
    return log.tuples(
        "select thread_id, from_thread_id from memory_forks"
        " union select id, forked_from from threads where forked_from is not null"
    )


def branches(log: Log) -> Pairs:
    """Return each branch of a conversation that went on in two logs, with the thread that it was set apart from."""
    return log.tuples("select thread_id, root_id from memory_branches")


def recalled(log: Log) -> Pairs:
    """Return each thread that has excerpts of another one in its requests, with that other one."""
    return log.tuples(
        "select distinct t.thread_id, r.thread_id from memory_recalls r join turns t on t.id = r.turn_id"
        " where r.thread_id is not null and r.thread_id <> t.thread_id"
    )


def compared(log: Log) -> Pairs:
    """Return the threads of the two answers of each vote, a's first, if they differ."""
    thread = (
        "coalesce((select thread_id from turns where id = {turn}),"
        " (select conversation_id from responses where id = {turn}))"
    )
    a, b = thread.format(turn="a_turn_id"), thread.format(turn="b_turn_id")
    return log.tuples(f"select a, b from (select distinct {a} as a, {b} as b from memory_votes) where a <> b")  # noqa: S608  constants


def leave_out_votes(log: Log, threads: Iterable[str], elsewhere: Log) -> None:
    """Remove from a log the votes whose second answer is in one of some threads of another log."""
    ids = json.dumps([*threads])
    turns = elsewhere.tuples(
        "select b_turn_id from memory_votes v"
        " where exists (select 1 from turns t where t.id = v.b_turn_id and t.thread_id in"
        " (select value from json_each(:ids)))"
        " or exists (select 1 from responses r where r.id = v.b_turn_id and r.conversation_id in"
        " (select value from json_each(:ids)))",
        {"ids": ids},
    )
    for sql in (
        "delete from memory_votes where b_turn_id = :id",
        "delete from memory_changes where kind = 'vote' and substr(key, instr(key, ' ') + 1) = :id",
    ):
        log.many(sql, ({"id": one} for (one,) in turns))


def hold_back(theirs: Log, log: Log, *, tags: Collection[str], project: str | None) -> None:
    """Let a temporary log say nothing that would set free what is held back in a log: that takes a person here.

    Nobody elsewhere moves a conversation of this log into the remote's project, or removes a tag that the remote
    excludes. That what is private stays so is up to the merge.

    Args:
        theirs: The temporary log, with what the remote has.
        log: The log that it will be merged into.
        tags: The keys of the tags that the remote excludes.
        project: The key of the remote's project, if it has one.
    """
    if tags:
        gone = {"tags": json.dumps([*tags])}
        theirs.run(
            "delete from memory_changes where kind = 'tag' and removed and key in (select value from json_each(:tags))",
            gone,
        )
    if project is None:
        return
    inside = theirs.tuples("select thread_id from memory_sessions where project = :project", {"project": project})
    ids = {one for (one,) in inside} & conversations(log)
    mine = {one.thread_id: one.project for one in sessions(log)}
    apart = ({"id": one, "project": mine.get(one)} for one in ids if mine.get(one) != project)
    theirs.many("update memory_sessions set project = :project where thread_id = :id", apart)


def threads_of(log: Log, turns: Iterable[str]) -> dict[str, str]:
    """Return which of these turns and responses are in a log, with their conversations."""
    sql = (
        "select id, conversation_id from responses where id in (select value from json_each(:ids)) union all"
        " select id, thread_id from turns where id in (select value from json_each(:ids))"
    )
    return dict(log.tuples(sql, {"ids": json.dumps([*turns])}))


def changed(log: Log, turns: Iterable[str]) -> set[str]:
    """Return the turns among these whose requests are no longer as they were sent."""
    sql = "select turn_id from memory_changed where turn_id in (select value from json_each(:ids))"
    return {one for (one,) in log.tuples(sql, {"ids": json.dumps([*turns])})}


def kept(log: Log) -> dict[str, str]:
    """Return the turns and responses that were deleted elsewhere, and stay here in a fork, with their conversations."""
    sql = (
        "select t.id, t.thread_id from memory_tombstones b join turns t on t.id = b.id where b.kind = 'turn' union all"
        " select r.id, r.conversation_id from memory_tombstones b join responses r on r.id = b.id where b.kind = 'turn'"
    )
    return dict(log.tuples(sql))


@contextmanager
def steady(log: Log, threads: Collection[str]) -> Iterator[None]:
    """Let the log be read as it is now, whoever writes to it meanwhile.

    Unless a log is in WAL mode, others can't write meanwhile, and llm gives up after five seconds. So this is only for
    conversations that are read in a second; longer ones are read as they come.
    """
    connection = log.database.conn
    sql = (
        "select count(*) from (select 1 from turns where thread_id in (select value from json_each(:ids)) limit :most)"
    )
    few = log.value(sql, {"ids": json.dumps([*threads]), "most": _MOST + 1}) <= _MOST
    if connection.in_transaction or not few:
        yield
        return
    log.run("begin")
    try:
        yield
    finally:
        log.run("rollback")


_MOST = 2_000
"""How many turns are read in a second."""

# -- conversations without a name ----------------------------------------


def known(log: Log, remote: str) -> set[str]:
    """Return the conversations without a name that went to a remote or came from it. `remote` is its name's key."""
    sql = "select thread_id from memory_remote_threads where remote_key = :remote"
    return {one for (one,) in log.tuples(sql, {"remote": remote})}


def remember(log: Log, remote: str, threads: Iterable[str]) -> None:
    """Remember that conversations without a name were pushed to a remote or pulled. Writes only what is new."""
    sql = (
        "select value from json_each(:ids) where value not in (select thread_id from memory_sessions) and value not in"
        " (select thread_id from memory_remote_threads where remote_key = :remote)"
    )
    new = log.tuples(sql, {"ids": json.dumps([*threads]), "remote": remote})
    if new:
        with log.writing():
            log.many(
                "insert or ignore into memory_remote_threads values (:remote, :id)",
                ({"remote": remote, "id": one} for (one,) in new),
            )

"""`llm sessions fork`: a session that shares the exchanges of another up to one of them, and goes on by itself."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from llm.logs import LogStore
from sqlite_utils import Database

from llm_session_memory.commands.forking import fork_command
from tests.conftest import Command
from tests.world.logs import START, LogBuilder, Said
from tests.world.meaning import Meaning
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script) -> Script:
    """A session `work` of four exchanges."""
    for word in ("Lisbon", "Porto", "Braga", "Faro"):
        llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", f"We go to {word}").ok()
    return script


def asked(script: Script) -> list[str]:
    """Return the prompts that the last request had."""
    return [text for role, text in script.texts() if role == "user"]


def shown(llm_: Command, name: str) -> list[str]:
    """Return the prompts of a session's transcript."""
    found = json.loads(llm_("sessions", "show", name, "--json").ok().out)
    return [entry["prompt"] for entry in found["exchanges"]]


def rows(log: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(log)) as connection:
        return connection.execute(sql, values).fetchall()


def test_a_fork_goes_on_by_itself(llm_: Command, work: Script, log: Path) -> None:
    """It is sent what it shares and its own; the other session is not sent what is said in it. Nothing is copied."""
    done = llm_("sessions", "fork", "work", "--at", "2").ok()
    assert done.out == "Session “work-2” shares 2 exchanges with “work”, up to #2.\n"
    assert rows(log, "select count(*) from turns") == [(4,)]
    llm_("--session", "work-2", "By train?").ok()
    assert asked(work) == ["We go to Lisbon", "We go to Porto", "By train?"]
    assert work.systems[-1] == "Be brief."
    llm_("--session", "work", "By plane?").ok()
    assert asked(work) == [*(f"We go to {word}" for word in ("Lisbon", "Porto", "Braga", "Faro")), "By plane?"]
    llm_("--session", "work-2", "How long?").ok()
    assert asked(work) == ["We go to Lisbon", "We go to Porto", "By train?", "How long?"]
    assert shown(llm_, "work-2") == ["We go to Lisbon", "We go to Porto", "By train?", "How long?"]


def test_llm_knows_a_fork_from_its_first_prompt_on(llm_: Command, work: Script, log: Path) -> None:
    """Before, llm -c goes on where it would have gone on; then, llm's thread has what the fork was forked from."""
    (before,) = rows(log, "select id from threads")
    llm_("sessions", "fork", "work", "--at", "3", "--as", "other way").ok()
    assert rows(log, "select id from threads") == [before]
    llm_("-c", "Plain.").ok()
    assert asked(work)[0] == "We go to Lisbon"
    llm_("--session", "other way", "By train?").ok()
    (thread,) = rows(log, "select thread_id from memory_forks")
    assert rows(log, "select id, forked_from from threads where id <> ?", *before) == [(*thread, *before)]
    llm_("--cid", *thread, "And by bus?").ok()
    assert asked(work) == [*(f"We go to {word}" for word in ("Lisbon", "Porto", "Braga")), "By train?", "And by bus?"]
    assert shown(llm_, "other way")[3:] == ["By train?", "And by bus?"]
    with closing(sqlite3.connect(log)) as connection:
        assert LogStore(Database(connection)).verify() == []


def test_a_fork_gets_the_settings_and_what_belongs_to_the_shared_exchanges(
    llm_: Command, work: Script, log: Path
) -> None:
    """Settings, tags, facts and notes; pins, ratings and bookmarks of what it shares. Later changes are its own."""
    llm_("sessions", "set", "work", "-o", "mood", "glad", "--meta", "client", "harbour", "--budget-usd", "3").ok()
    llm_("sessions", "tag", "work", "travel").ok()
    llm_("sessions", "note", "work", "The deadline is 4 May.").ok()
    for number in ("1", "4"):
        llm_("sessions", "pin", "work", number).ok()
        llm_("sessions", "rate", "work", number, "up").ok()
        llm_("sessions", "bookmark", "work", number, f"Place {number}").ok()
    llm_("sessions", "fork", "work", "--at", "3", "-s", "Be kind.", "--memory", "window").ok()
    settings = llm_("sessions", "set", "work-2").ok().out
    for line in ("system   Be kind.", "options  mood=glad", "memory   window", "meta     client=harbour"):
        assert f"{line}\n" in settings
    assert "Pinned in “work-2”: #1, #2." in llm_("sessions", "pin", "work-2", "2").ok().out
    assert json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"][1]["pinned"] is False
    found = json.loads(llm_("sessions", "show", "work-2", "--json").ok().out)
    assert (found["tags"], [note["text"] for note in found["notes"]]) == (["travel"], ["The deadline is 4 May."])
    assert rows(
        log,
        "select (select count(*) from memory_pins p where p.thread_id = f.thread_id),"
        " (select count(*) from memory_ratings r where r.thread_id = f.thread_id),"
        " (select group_concat(label) from memory_bookmarks b where b.thread_id = f.thread_id),"
        " (select budget_usd from memory_sessions s where s.thread_id = f.thread_id) from memory_forks f",
    ) == [(2, 1, "Place 1", 3.0)]


def test_an_unnamed_conversation_can_be_forked(llm_: Command, script: Script, log: Path) -> None:
    """By its id, whichever llm logged it; the fork has the settings of the shared exchange."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        builder.responses(thread, Said("One."), Said("Two."), model="scripted")
        builder.turns(thread, Said("Three."))
    done = llm_("sessions", "fork", thread, "--at", "2", "--as", "x").ok()
    assert done.out == f"Session “x” shares 2 exchanges with conversation {thread}, up to #2.\n"
    llm_("--session", "x", "Otherwise.").ok()
    assert asked(script) == ["One.", "Two.", "Otherwise."]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("nothing",), "Error: Session “nothing” not found. List sessions with: llm sessions\n"),
        (("work", "--at", "5"), "Error: Session “work” has no exchange #5. It has 4, numbered from 1.\n"),
        (("work", "--as", "WORK"), "Error: Session “WORK” already exists. Choose another name.\n"),
        (("work", "--max-context-tokens", "x"), "Error: “x” is not a number of tokens. Give a number, or “default”.\n"),
    ],
)
def test_what_cannot_be_forked_leaves_nothing(
    llm_: Command, work: Script, log: Path, arguments: tuple[str, ...], error: str
) -> None:
    """The error says why, and there is no new session."""
    done = llm_("sessions", "fork", *arguments)
    assert (done.code, done.err) == (1, error)
    assert rows(log, "select count(*) from memory_sessions union all select count(*) from memory_forks") == [(1,), (0,)]


def test_a_fork_keeps_what_the_other_session_undoes_later(llm_: Command, work: Script, log: Path) -> None:
    """And what was undone before stays undone in both."""
    (thread,) = rows(log, "select thread_id from memory_sessions")
    turns = [id_ for (id_,) in rows(log, "select id from turns order by id")]

    def undo(turn: str) -> None:
        with closing(sqlite3.connect(log)) as connection, connection:
            connection.execute("insert into memory_undone values (?, ?, '2026-11-28')", [*thread, turn])

    undo(turns[1])
    llm_("sessions", "fork", "work").ok()
    undo(turns[2])
    assert shown(llm_, "work-2") == ["We go to Lisbon", "We go to Braga", "We go to Faro"]
    assert shown(llm_, "work") == ["We go to Lisbon", "We go to Faro"]


# -- recall and search -------------------------------------------------


def found(llm_: Command, *words: str) -> list[tuple[str, int]]:
    """Return the session and number of each exchange that a search finds."""
    hits = json.loads(llm_("sessions", "search", *words, "--json").ok().out)
    return [(hit["session"], hit["number"]) for hit in hits]


@pytest.mark.parametrize("by_meaning", [False, True], ids=["by_words", "by_meaning"])
def test_recall_finds_what_a_fork_shares_and_nothing_later(
    llm_: Command, script: Script, log: Path, meaning: Meaning, *, by_meaning: bool
) -> None:
    """Excerpts come from the shared exchanges and its own, never from what the other session said after the fork."""
    del meaning
    if by_meaning:
        llm_("embed-models", "default", "meaning").ok()
    told = [Said(f"Day {number}: the weather is dry, and Rui paints pier {number * 7}.") for number in range(1, 25)]
    with LogBuilder(log) as builder:
        builder.turns("thread-of-work", Said("My puppy is called Biscuit."), *told[:12], block=8)
    llm_("sessions", "name", "thread-of-work", "work").ok()
    llm_("sessions", "set", "work", "--max-context-tokens", "400").ok()
    llm_("sessions", "fork", "work").ok()
    [(fork,)] = rows(log, "select thread_id from memory_forks")
    with LogBuilder(log) as builder:
        builder.turns(
            "thread-of-work", Said("My puppy is now called Crumb.", at=START + timedelta(days=1)), *told, block=8
        )
        builder.turns(fork, Said("My puppy likes Ana.", at=START + timedelta(days=2)), *told, block=8)
    llm_("sessions", "index", "work", "work-2").ok()
    asking = "What about the spaniel?" if by_meaning else "What about my puppy?"
    llm_("--session", "work-2", asking).ok()
    sent = "\n".join(text for _, text in script.texts())
    assert "#1 user" in sent
    assert ("Biscuit" in sent, "likes Ana" in sent, "Crumb" in sent) == (True, True, False)
    llm_("--session", "work", asking).ok()
    sent = "\n".join(text for _, text in script.texts())
    assert ("Biscuit" in sent, "likes Ana" in sent, "Crumb" in sent) == (True, False, True)


def test_a_search_in_a_fork_finds_what_it_has(llm_: Command, work: Script) -> None:
    """With the fork's numbers; a search of all sessions finds a shared exchange once, where it was said."""
    del work
    llm_("sessions", "fork", "work", "--at", "2").ok()
    llm_("--session", "work-2", "We go to Faro by train").ok()
    assert found(llm_, "Porto", "-s", "work-2") == [("work-2", 2)]
    assert found(llm_, "Braga", "-s", "work-2") == []
    assert sorted(found(llm_, "Faro")) == [("work", 4), ("work-2", 3)]
    assert found(llm_, "Faro", "-s", "work-2") == [("work-2", 3)]
    assert found(llm_, "Porto") == [("work", 2)]
    assert found(llm_, "go", "--latest", "-s", "work-2") == [("work-2", 3), ("work-2", 2), ("work-2", 1)]


def test_what_only_a_fork_still_has_is_found_there(llm_: Command, work: Script, log: Path) -> None:
    """The other session undid it, or has no name."""
    llm_("sessions", "fork", "work").ok()
    turns = [id_ for (id_,) in rows(log, "select id from turns order by id")]
    threads = rows(log, "select thread_id from memory_sessions order by name")
    with closing(sqlite3.connect(log)) as connection, connection:
        connection.execute("insert into memory_undone values (?, ?, '2026-11-28')", [*threads[0], turns[1]])
        connection.execute("insert into memory_undone values (?, ?, '2026-11-28')", [*threads[1], turns[2]])
    assert (found(llm_, "Porto"), found(llm_, "Porto", "-s", "work")) == ([("work-2", 2)], [])
    assert (found(llm_, "Braga"), found(llm_, "Braga", "-s", "work-2")) == ([("work", 2)], [])
    with LogBuilder(log) as builder:
        thread = builder.thread()
        builder.turns(thread, Said("We go to Viseu."), Said("We go to Leiria."))
    llm_("sessions", "fork", thread, "--at", "1", "--as", "hills").ok()
    assert (found(llm_, "Viseu"), found(llm_, "Viseu", "-s", "hills")) == ([("hills", 1)], [("hills", 1)])
    assert found(llm_, "Leiria") == []
    del work


# -- llm --session NAME --fork-at N -----------------------------------------


def test_a_prompt_at_an_exchange_forks_and_is_sent(llm_: Command, work: Script, log: Path) -> None:
    """In one go: the new session is named, and what is given with the prompt becomes its default."""
    done = llm_("--session", "work", "--fork-at", "2", "-m", "scripted", "-o", "mood", "glad", "By train?").ok()
    assert done.err == "session work-2: forked from work at #2 with scripted\n"
    assert asked(work) == ["We go to Lisbon", "We go to Porto", "By train?"]
    assert work.systems[-1] == "Be brief."
    llm_("--session", "work-2", "How long?").ok()
    assert asked(work) == ["We go to Lisbon", "We go to Porto", "By train?", "How long?"]
    assert work.options[-1]["mood"] == "glad"
    assert shown(llm_, "work") == [f"We go to {word}" for word in ("Lisbon", "Porto", "Braga", "Faro")]
    blocks = rows(log, "select b.reason, c.number from memory_contexts c join memory_blocks b on b.id = c.block_id")
    assert blocks[-2:] == [("the session was forked", 3), ("the session was forked", 4)]


def test_a_chat_can_start_at_an_exchange(llm_: Command, work: Script) -> None:
    """All its prompts go into the one fork."""
    llm_("chat", "--session", "work", "--fork-at", "1", input="By train?\nHow long?\nquit\n").ok()
    assert asked(work) == ["We go to Lisbon", "By train?", "How long?"]
    assert shown(llm_, "work-2") == ["We go to Lisbon", "By train?", "How long?"]


def test_a_failed_prompt_is_kept_in_the_fork_and_a_refused_one_forks_nothing(
    llm_: Command, work: Script, log: Path
) -> None:
    """Like the first prompt of any session."""
    flags = ("--memory", "full", "--max-context-tokens", "18")
    done = llm_("--session", "work", "--fork-at", "2", *flags, "By?")
    assert (done.code, "The whole session needs about" in done.err) == (1, True)
    assert rows(log, "select count(*) from memory_sessions") == [(1,)]
    work.replies = [RuntimeError("the server is on fire")]
    done = llm_("--session", "work", "--fork-at", "2", "By train?")
    assert done.code == 1
    assert "session work-2: the prompt is kept. Send it again with: llm sessions retry work-2\n" in done.err
    work.replies = ["In five hours."]
    llm_("sessions", "retry", "work-2").ok()
    assert asked(work) == ["We go to Lisbon", "We go to Porto", "By train?"]
    assert shown(llm_, "work-2")[-1] == "By train?"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--fork-at", "2"), "Error: --fork-at needs a session: add --session NAME (or --new-session).\n"),
        (("--session", "nothing", "--fork-at", "2"), "Session “nothing” not found. List sessions with: llm sessions\n"),
        (("--session", "work", "--fork-at", "9"), "Session “work” has no exchange #9. It has 4, numbered from 1.\n"),
        (
            ("--session", "work", "--fork-at", "2", "-n"),
            "--fork-at makes a new session, and -n records nothing. Leave out one of them.\n",
        ),
        (
            ("--session", "work", "--new-session", "--fork-at", "2"),
            "--fork-at can't be combined with --new-session. Leave out one of them.\n",
        ),
    ],
)
def test_where_there_is_nothing_to_fork(
    llm_: Command, work: Script, log: Path, arguments: tuple[str, ...], error: str
) -> None:
    """The error says why; nothing is sent and nothing is made."""
    done = llm_(*arguments, "By train?")
    assert done.code != 0
    assert done.err.endswith(error)
    assert len(work.seen) == 4
    assert rows(log, "select count(*) from memory_sessions union all select count(*) from memory_attempts") == [
        (1,),
        (0,),
    ]


def test_the_failed_prompts_of_a_fork_can_be_dropped(llm_: Command, work: Script) -> None:
    """The fork stays: it has exchanges."""
    work.replies = [RuntimeError("the server is on fire")]
    llm_("--session", "work", "--fork-at", "2", "By train?")
    llm_("sessions", "attempts", "work-2", "--drop").ok()
    assert shown(llm_, "work-2") == ["We go to Lisbon", "We go to Porto"]


# -- the family --------------------------------------------------------


def test_a_list_as_a_tree_has_forks_below_their_parent(llm_: Command, work: Script) -> None:
    """With the place where each was forked; a family is as recent as its newest member."""
    del work
    llm_("sessions", "fork", "work", "--at", "2").ok()
    llm_("sessions", "fork", "work-2", "--at", "1", "--as", "short").ok()
    llm_("sessions", "fork", "work", "--as", "long").ok()
    llm_("-m", "scripted", "--session", "play", "Hello").ok()
    llm_("--session", "short", "By train?").ok()

    def names(*flags: str) -> list[str]:
        lines = llm_("sessions", "list", "--tree", *flags).ok().out.splitlines()[1:]
        return [line.partition("  scripted")[0].rstrip() for line in lines]

    assert names() == ["work", "└─ work-2 (from #2)", "└── short (from #1)", "└─ long (from #4)", "play"]
    assert names("-n", "1") == ["work", "└─ work-2 (from #2)", "└── short (from #1)", "└─ long (from #4)"]
    more = llm_("sessions", "list", "--tree", "-n", "1").err
    assert more == "More: llm sessions list --tree -n 0\n"
    llm_("sessions", "tag", "short", "hills").ok()
    assert names("--tag", "hills") == ["short (from work-2 #1)"]
    found = json.loads(llm_("sessions", "list", "--json").ok().out)
    assert {one["name"]: (one["exchanges"], one["forked_from"] and one["forked_from"]["name"]) for one in found} == {
        "work": (4, None),
        "work-2": (2, "work"),
        "short": (2, "work-2"),
        "long": (4, "work"),
        "play": (1, None),
    }


def test_transcripts_and_exports_say_where_a_session_was_forked(llm_: Command, work: Script, tmp_path: Path) -> None:
    """The parent and the forks are named; an export has all exchanges, and its import is a session by itself."""
    del work
    llm_("sessions", "fork", "work", "--at", "2").ok()
    llm_("--session", "work-2", "By train?").ok()
    assert "**Forked from:** work at #2" in llm_("sessions", "show", "work-2").ok().out
    assert "**Forks:** work-2 at #2" in llm_("sessions", "show", "work").ok().out
    shown_ = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert [(one["name"], one["exchange"]) for one in shown_["forks"]] == [("work-2", 2)]
    for kind in ("markdown", "html", "jsonl"):
        text = llm_("sessions", "export", "work-2", "--format", kind).ok().out
        assert "We go to Porto" in text
        assert "By train?" in text
        assert "Braga" not in text
        if kind == "html":
            assert "forked from work at #2" in text
    file = tmp_path / "work-2.jsonl"
    file.write_text(llm_("sessions", "export", "work-2", "--format", "jsonl").ok().out, encoding="utf-8")
    assert json.loads(file.read_text().splitlines()[0])["forked_from"]["exchange"] == 2
    llm_("sessions", "import", str(file), "--as", "again").ok()
    assert shown(llm_, "again") == ["We go to Lisbon", "We go to Porto", "By train?"]


def test_a_rating_of_a_shared_exchange_counts_once(llm_: Command, work: Script) -> None:
    """Though each session has its own: the newest one counts."""
    del work
    llm_("sessions", "rate", "work", "1", "up").ok()
    llm_("sessions", "fork", "work", "--at", "2").ok()

    def ratings() -> list[tuple[str, str]]:
        found = json.loads(llm_("sessions", "query", "ratings", "--json").ok().out)
        return [(row["mark"], row["session"]) for row in found]

    assert ratings() == [("up", "work")]
    llm_("sessions", "rate", "work-2", "1", "down").ok()
    assert ratings() == [("down", "work-2")]
    (counted,) = json.loads(llm_("sessions", "query", "rating-by-model", "--json").ok().out)
    assert (counted["rated"], counted["down"]) == (1, 1)


def test_a_fork_refers_to_no_row_that_is_not_there(llm_: Command, work: Script, log: Path) -> None:
    """A conversation of an older llm, and a fork that nothing was said in, have no row that a fork's could refer to."""
    with LogBuilder(log) as builder:
        old = builder.thread()
        builder.responses(old, Said("Long ago."))
    llm_("sessions", "fork", "work").ok()
    llm_("sessions", "name", old, "old").ok()
    llm_("--session", "work-2", "--fork-at", "1", "By train?").ok()
    llm_("--session", "old", "--fork-at", "1", "-m", "scripted", "And now?").ok()
    assert rows(log, "pragma foreign_key_check") == []
    assert rows(log, "select count(*) from memory_forks f join threads t on t.id = f.thread_id") == [(2,)]


def test_the_shell_completes_where_to_fork(llm_: Command, script: Script) -> None:
    """Tab after --at offers labels of snapshots, and numbers of exchanges with a bookmark, each with its label."""
    for prompt in ("One", "Two"):
        llm_("-m", "scripted", "--session", "here", prompt).ok()
    llm_("sessions", "snapshot", "here", "before").ok()
    llm_("sessions", "bookmark", "here", "2", "The deadline").ok()
    context = click.Context(fork_command)
    context.params = {"database": None, "name": "here"}
    (at,) = (option for option in fork_command.params if option.name == "at")
    offered = [(one.value, one.help) for one in at.shell_complete(context, "")]
    assert offered == [("before", None), ("2", "The deadline")]
    context.params = {"database": None, "name": "nowhere"}
    assert at.shell_complete(context, "") == []

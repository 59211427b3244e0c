"""The log builder writes logs as llm does: llm's own commands and its own verification accept them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import llm
import pytest
from llm.logs import LogStore
from sqlite_utils import Database

from tests.conftest import Command
from tests.world import logs
from tests.world.logs import START, Call, LogBuilder, Said

PICTURE = llm.Attachment(type="image/png", content=b"\x89PNG a bridge")
NOVEL = llm.Fragment("Call me Ishmael. " * 20, "moby.txt")
LOOP = Said("What time is it?", "Noon.", calls=(Call("clock", {"zone": "Lisbon"}, "12:00"),), tokens=(50, 5))


def texts(log: LogBuilder, tip: str) -> list[tuple[str, str]]:
    """Return role and text of the chain that ends at a message."""
    return [(m.role, "".join(getattr(part, "text", "") for part in m.parts)) for m in LogStore(log.db).load_chain(tip)]


def test_turns_are_llms_own(log: Path, llm_: Command) -> None:
    """llm lists what the builder wrote, with the given times and counts, and finds no errors."""
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, Said("We build a bridge.", tokens=(40, 2), duration_ms=1500), Said("When?", "On 4 May."))
        assert LogStore(built.db).verify() == []
    first, newest = json.loads(llm_("logs", "--json").ok().out)
    assert (newest["prompt"], newest["response"]) == ("When?", "On 4 May.")
    assert (first["input_tokens"], first["output_tokens"], first["duration_ms"]) == (40, 2, 1500)
    assert first["datetime_utc"] == START.isoformat()
    assert newest["datetime_utc"] > first["datetime_utc"]


def test_a_request_has_the_whole_thread(log: Path) -> None:
    """Without blocks, each request contains the whole thread, with its system prompt first."""
    with LogBuilder(log) as built:
        built.turns(built.thread(), Said("One.", system="Be brief."), Said("Two."))
        newest = built.db.execute("select parent_message_hash from turns order by id desc").fetchone()[0]
        assert texts(built, newest) == [
            ("system", "Be brief."),
            ("user", "One."),
            ("assistant", "Noted."),
            ("user", "Two."),
        ]


def test_blocks_bound_a_long_thread(log: Path) -> None:
    """With blocks, hundreds of exchanges are written as a session would send them, each with at most one block."""
    with LogBuilder(log) as built:
        thread = built.thread()
        ids = built.turns(thread, *(Said(f"Number {n}.") for n in range(300)), block=20)
        assert ids == sorted(ids)
        assert len(set(ids)) == 300
        chains = [row["parent_message_hash"] for row in built.db["turns"].rows]
        assert max(len(texts(built, chain)) for chain in chains[:60]) == 39
        assert built.db["threads"].count == 1


def test_a_tool_loop_is_several_turns(log: Path) -> None:
    """A loop's turns follow each other, the call in the first, its result in the second."""
    with LogBuilder(log) as built:
        ids = built.turns(built.thread(), LOOP)
        assert len(ids) == 2
        parts = [row["type"] for row in built.db["parts"].rows]
        assert parts == ["text", "tool_call", "tool_result", "text"]


def test_attachments_and_fragments_are_stored_by_reference(log: Path) -> None:
    """An attachment's bytes and a fragment's text are stored once, however often they are used."""
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, *[Said("Look.", attachments=(PICTURE,), fragments=(NOVEL,))] * 3)
        assert built.db["attachments"].count == built.db["fragments"].count == 1
        assert built.db["turn_fragments"].count == 3


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(Said("We build a bridge.", "Noted.", system="Be brief.", tokens=(40, 2)), id="plain"),
        pytest.param(Said("Look.", attachments=(PICTURE,)), id="attachment"),
        pytest.param(Said("Sum it up.", fragments=(NOVEL,)), id="fragment"),
        pytest.param(LOOP, id="tool_loop"),
    ],
)
def test_llm_reads_old_responses_as_its_own(log: Path, llm_: Command, said: Said) -> None:
    """llm lists and continues what the builder wrote in the tables of older llms."""
    with LogBuilder(log) as built:
        thread = built.thread()
        ids = built.responses(thread, said, model="echo")
        assert built.db["turns"].count == 0
    listed = json.loads(llm_("logs", "-n", "0", "--json").ok().out)
    assert [row["id"] for row in listed] == ids
    assert (listed[0]["prompt"], listed[-1]["response"]) == (said.prompt, said.reply)
    assert said.prompt in llm_("--cid", thread, "Go on.").ok().out


def test_the_dual_write_era_has_each_event_twice(log: Path, llm_: Command) -> None:
    """An event in both generations of tables has one id, and llm lists it once."""
    with LogBuilder(log) as built:
        ids = built.both(built.thread(), Said("We build a bridge."), LOOP)
        for table in ("turns", "responses"):
            assert [row["id"] for row in built.db.query(f"select id from {table} order by id")] == ids
    assert len(json.loads(llm_("logs", "-n", "0", "--json").ok().out)) == 3


def test_llm_migrates_a_log_of_llm_0_20(log: Path, llm_: Command) -> None:
    """It has no turns, fragments or tools; the installed llm migrates it and lists its contents."""
    with LogBuilder(log, tables=logs.tables_of_0_20) as built:
        built.responses(built.thread(), Said("We build a bridge."))
        tables = set(built.db.table_names())
    assert {"conversations", "responses", "attachments"} <= tables
    assert not {"turns", "messages", "fragments", "tools", "schemas"} & tables
    assert "We build a bridge." in llm_("logs").ok().out
    assert "turns" in Database(log).table_names()


def test_this_llm_can_use_a_newer_llms_log(log: Path, llm_: Command) -> None:
    """An unknown migration and extra columns don't prevent llm from reading and writing."""
    with LogBuilder(log) as built:
        built.turns(built.thread(), Said("We build a bridge."))
    logs.as_newer_llm(log)
    llm_("-m", "echo", "Hello").ok()
    assert "We build a bridge." in llm_("logs").ok().out


def test_a_renamed_column_is_gone(log: Path) -> None:
    """A renamed column no longer has its old name."""
    LogBuilder(log).db.close()
    logs.with_column_renamed(log, "turns", "input_tokens")
    assert {"input_tokens_anew"} == {c for c in Database(log)["turns"].columns_dict if c.startswith("input_tokens")}


def test_read_only_holds_for_everybody(log: Path) -> None:
    """SQLite reads but doesn't write a log marked read-only, and writes again once the mark is removed."""
    LogBuilder(log).db.close()
    logs.as_read_only(log)
    with pytest.raises(Exception, match="readonly"):
        Database(log).table("threads").insert({"id": "x"})
    assert Database(log)["threads"].count == 0
    logs.as_writable(log)
    Database(log).table("threads").insert({"id": "x"})


def test_parallel_exchanges_do_not_see_each_other(log: Path) -> None:
    """Two loops can interleave in the order of their calls, without being in each other's requests."""
    with LogBuilder(log) as built:
        thread = built.thread()
        slow = Said("First?", calls=(Call("clock", {}, "12:00"),), at=START, duration_ms=60_000)
        beside = Said("Second?", calls=(Call("clock", {}, "12:01"),), at=START + timedelta(seconds=30))
        one, two = built.unseen(thread, slow)
        three, four = built.unseen(thread, beside)
        assert one < three < four < two
        tip = built.db.execute("select tip_message_hash from turns where id = ?", [two]).fetchone()[0]
        assert "Second?" not in dict(texts(built, tip)).values()

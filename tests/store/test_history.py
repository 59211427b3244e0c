"""Exchanges are read from both generations of llm's tables: numbered, whole, and only with what was new in each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory.model import Block
from llm_session_memory.rules import fences
from llm_session_memory.store import Log, Sessions, history
from llm_session_memory.store.requests import ContextRow
from tests.store.world import built, opened, read, said
from tests.world.logs import START, Call, LogBuilder, Said

PICTURE = llm.Attachment(type="image/png", content=b"\x89PNG a bridge")
NOVEL = llm.Fragment("Call me Ishmael. " * 20, "moby.txt")
NOTES = llm.Fragment("The deadline is 4 May.", "notes.txt")
TWO_ROUNDS = Said(
    "How late?",
    "A minute to.",
    calls=(Call("clock", {"zone": "Lisbon"}, "11:59"), Call("deadline", {}, "12:00", (PICTURE,))),
    tokens=(50, 5),
)

Writer = Callable[..., list[str]]
GENERATIONS = pytest.mark.parametrize("generation", ["turns", "responses", "both"])


def writer(builder: LogBuilder, generation: str) -> Writer:
    """Return the builder's method that writes this generation's tables."""
    method: Writer = getattr(builder, generation)
    return method


# -- as it was said ----------------------------------------------------

LINES = {
    "session://opening": fences.OPENING,
    "session://01abc/#1": "[#1 user 2026-05-01] Four.",
    "session://closing": fences.CLOSING,
}
MARKED = "\n".join(LINES.values())
ONE = (llm.Fragment(MARKED, "session://01abc/excerpts"),)
EACH = tuple(llm.Fragment(text, source) for source, text in LINES.items())


@pytest.mark.parametrize("sent", [ONE, EACH], ids=["one fragment", "a fragment each, as in older logs"])
def test_a_chain_is_read_as_it_was_said(log: Path, sent: tuple[llm.Fragment, ...]) -> None:
    """The excerpts of all prompts are left out, so that an older log's block goes on too; what a person gave stays."""
    own = llm.Fragment(MARKED.replace("Four.", "Five."), "pasted.txt")
    with built(log) as (builder, here):
        turns = builder.turns(
            builder.thread(),
            Said("Hello.", "Hi."),
            Said("When?", "4 May.", fragments=sent),
            Said("Really?", "Yes.", fragments=(*sent, own)),
        )
        tip = Sessions(here).requests.tip(turns[-1])
        chain, same = history.chain_as_said(here, tip)
        assert [message.text for message in chain] == ["Hello.", "Hi.", "When?", "4 May.", f"{own}\nReally?", "Yes."]
        assert chain[:same] == history.chain(here, tip)[:2]
        assert history.chain(here, tip)[2].text == f"{MARKED}\nWhen?"
        assert str(own) in chain[4].parts[0].fragments, "it is stored by reference again"
        assert history.chain_as_said(here, None) == ((), 0)


# -- numbering ---------------------------------------------------------


@GENERATIONS
def test_exchanges_are_numbered_in_order(log: Path, generation: str) -> None:
    """An exchange is a prompt and everything up to its final reply; they are numbered from 1, oldest first."""
    with built(log) as (builder, found):
        thread = builder.thread()
        ids = writer(builder, generation)(thread, Said("We build a bridge."), TWO_ROUNDS, Said("Thanks.", "Bye."))
        exchanges = read(found, thread)
        assert [exchange.number for exchange in exchanges] == [1, 2, 3]
        assert [[turn.id for turn in exchange.turns] for exchange in exchanges] == [ids[:1], ids[1:4], ids[4:]]
        assert [exchange.id for exchange in exchanges] == [ids[0], ids[1], ids[4]]


@GENERATIONS
def test_an_exchange_has_its_own_messages_only(log: Path, generation: str) -> None:
    """Whatever its request contained, an exchange is only what was new in it: prompt, calls, results, reply."""
    with built(log) as (builder, found):
        thread = builder.thread()
        writer(builder, generation)(thread, Said("We build a bridge.", system="Be brief."), Said("When?", "On 4 May."))
        writer(builder, generation)(thread, TWO_ROUNDS)
        first, second, third = read(found, thread)
        assert said(first.messages) == [("user", "We build a bridge."), ("assistant", "Noted.")]
        assert said(second.messages) == [("user", "When?"), ("assistant", "On 4 May.")]
        assert [entry for entry in said(third.messages) if entry[0] != "user"] == [
            ("assistant", "clock"),
            ("tool", "11:59"),
            ("assistant", "deadline"),
            ("tool", "12:00"),
            ("assistant", "A minute to."),
        ]
        assert (third.prompt, third.reply) == ("How late?", "A minute to.")


def test_a_thread_of_both_generations_is_one_history(log: Path) -> None:
    """A conversation of older llms, of those that wrote both generations, and of today's is read as one, once."""
    with built(log) as (builder, found):
        thread = builder.thread()
        ids = builder.responses(thread, Said("One."), TWO_ROUNDS)
        ids += builder.both(thread, Said("Three."), TWO_ROUNDS)
        ids += builder.turns(thread, Said("Five."))
        exchanges = read(found, thread)
        assert [exchange.prompt for exchange in exchanges] == ["One.", "How late?", "Three.", "How late?", "Five."]
        assert [turn.id for exchange in exchanges for turn in exchange.turns] == ids


def test_other_threads_stay_out(log: Path) -> None:
    """Turns of other threads, of either generation, between those of a thread are not part of its history."""
    with built(log) as (builder, found):
        one, other, old = builder.thread(), builder.thread(), builder.thread()
        builder.turns(one, Said("One."))
        builder.turns(other, Said("Other."))
        builder.responses(old, Said("Old."))
        builder.turns(one, Said("Two."))
        assert [exchange.prompt for exchange in read(found, one)] == ["One.", "Two."]
        assert [exchange.prompt for exchange in read(found, old)] == ["Old."]
        assert read(found, "no such thread") == []


def test_a_pruned_request_loses_nothing(log: Path) -> None:
    """A request with only part of the thread removes nothing from the thread's history, although its tip does."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, *(Said(f"Number {n}.", f"Reply {n}.") for n in range(30)), block=4)
        exchanges = read(found, thread)
        assert [(e.prompt, e.reply) for e in exchanges] == [(f"Number {n}.", f"Reply {n}.") for n in range(30)]


def test_the_same_text_twice_is_two_exchanges(log: Path) -> None:
    """Equal prompts with equal replies share llm's message rows, and are still separate exchanges."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.unseen(thread, Said("Again?"))
        builder.unseen(thread, Said("Again?"))
        assert builder.db["messages"].count == 2
        assert [said(e.messages) for e in read(found, thread)] == [[("user", "Again?"), ("assistant", "Noted.")]] * 2


# -- tool loops that lie between each other ----------------------------


def _interleaved(builder: LogBuilder, thread: str) -> tuple[list[str], list[str]]:
    """Log two loops of two calls each, from processes that ran at the same time: A B A B."""
    first = Said("First?", "One.", calls=(Call("clock", {}, "12:00"),), at=START, duration_ms=60_000)
    second = Said("Second?", "Two.", calls=(Call("clock", {}, "12:01"),), at=START + timedelta(seconds=30))
    second = Said(**{**vars(second), "duration_ms": 60_000})
    one, two = builder.unseen(thread, first), builder.unseen(thread, second)
    assert one[0] < two[0] < one[1] < two[1]
    return one, two


def _recorded(log: Log, thread: str, *exchanges: list[str]) -> None:
    """Record exchanges as session prompts, each in its own block."""
    store = Sessions(log)
    with log.writing():
        for turn_ids in exchanges:
            block = Block(None, turn_ids[0], (), "window", 4_000, "front", "the session begins")
            block_id = store.requests.add(thread, block, (None, "not known"), START.isoformat())
            for turn_id in turn_ids:
                store.requests.add_context(ContextRow(turn_id, thread, block_id, turn_ids[0], 1, None, 10.0, 12, None))


def test_interleaved_loops_of_a_session_stay_apart(log: Path) -> None:
    """Two processes' tool loops in one session are two whole exchanges, each call with its own result."""
    with built(log) as (builder, found):
        thread = builder.thread()
        one, two = _interleaved(builder, thread)
        _recorded(found, thread, one, two)
        first, second = read(found, thread)
        assert said(first.messages) == [
            ("user", "First?"),
            ("assistant", "clock"),
            ("tool", "12:00"),
            ("assistant", "One."),
        ]
        assert [text for _, text in said(second.messages)] == ["Second?", "clock", "12:01", "Two."]


def test_interleaved_loops_outside_a_session_lose_nothing(log: Path) -> None:
    """If nothing says which loop a turn belongs to, it joins the exchange before it; all turns are there, once."""
    with built(log) as (builder, found):
        thread = builder.thread()
        one, two = _interleaved(builder, thread)
        exchanges = read(found, thread)
        assert [exchange.id for exchange in exchanges] == [one[0], two[0]]
        assert sorted(turn.id for exchange in exchanges for turn in exchange.turns) == sorted(one + two)


def test_a_plain_loop_beside_a_sessions_loop(log: Path) -> None:
    """A loop of plain `llm --cid` that began between a session's turns does not take over any of them."""
    with built(log) as (builder, found):
        thread = builder.thread()
        one, two = _interleaved(builder, thread)
        _recorded(found, thread, one)
        first, second = read(found, thread)
        assert [turn.id for turn in first.turns] == one
        assert [turn.id for turn in second.turns] == two


def test_numbering_again_looks_up_only_new_turns(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program numbers a long conversation again and again: it looks up the messages of each plain turn once."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, Said("Hello."), TWO_ROUNDS)
        one, _ = _interleaved(builder, thread)
        first = [*history.exchange_turns(found, thread)]
        asked: list[str] = []

        def tuples(sql: str, given: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
            asked.extend(json.loads((given or {}).get("hashes", "[]")))
            return Log.tuples(found, sql, given)

        monkeypatch.setattr(found, "tuples", tuples)
        assert [*history.exchange_turns(found, thread)] == first
        assert asked == []
        builder.turns(thread, TWO_ROUNDS)
        _recorded(found, thread, one)
        again = [*history.exchange_turns(found, thread)]
        assert len(asked) == 3
        with opened(log) as fresh:
            assert again == [*history.exchange_turns(fresh, thread)] != first


# -- fragments and attachments ------------------------------------------


@GENERATIONS
def test_fragments_come_back_whole(log: Path, generation: str) -> None:
    """An exchange's prompt has its fragments' text again and names them, so they can be stored by reference."""
    with built(log) as (builder, found):
        thread = builder.thread()
        writer(builder, generation)(thread, Said("Sum it up.", fragments=(NOVEL, NOTES)))
        (exchange,) = read(found, thread)
        (message,) = exchange.turns[0].input
        assert message.text == f"{NOVEL}\n{NOTES}\nSum it up."
        assert message.parts[0].fragments == (str(NOVEL), str(NOTES))


def test_fragments_are_listed_by_source(log: Path) -> None:
    """A turn names the sources of the fragments sent with it, in order; one without a source by its hash."""
    nameless = llm.Fragment("Some text.", None)  # as older llms stored it
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, Said("Sum it up.", fragments=(NOVEL, nameless, NOTES)))
        digest = hashlib.sha256(b"Some text.").hexdigest()
        assert read(found, thread)[0].turns[0].fragments == ("moby.txt", digest, "notes.txt")


@GENERATIONS
def test_attachments_come_back_whole(log: Path, tmp_path: Path, generation: str) -> None:
    """An exchange has its attachments again: bytes, path or URL, as llm stores them."""
    file = tmp_path / "bridge.txt"
    file.write_text("a bridge")
    here = llm.Attachment(type="text/plain", path=str(file))
    there = llm.Attachment(type="image/png", url="http://127.0.0.1/bridge.png")
    with built(log) as (builder, found):
        thread = builder.thread()
        writer(builder, generation)(thread, Said("Look.", attachments=(PICTURE, here, there)))
        (exchange,) = read(found, thread)
        held = [
            attachment for message in exchange.turns[0].input for p in message.parts for attachment in p.attachments
        ]
        assert [(a.content, a.path, a.url) for a in held] == [
            (PICTURE.content, None, None),
            (None, str(file), None),
            (None, None, there.url),
        ]
        assert [a.type for a in held] == ["image/png", "text/plain", "image/png"]
        assert held[0].id == PICTURE.id()


@GENERATIONS
def test_what_a_tool_attached_comes_back(log: Path, generation: str) -> None:
    """An attachment in a tool's answer is in its exchange again."""
    with built(log) as (builder, found):
        thread = builder.thread()
        writer(builder, generation)(thread, TWO_ROUNDS)
        (exchange,) = read(found, thread)
        held = [a for message in exchange.turns[2].input for part in message.parts for a in part.attachments]
        assert PICTURE.content in [attachment.content for attachment in held]


def test_the_first_turn_is_the_one_that_was_logged_first(log: Path) -> None:
    """A conversation goes on with the tools of its first turn, also if a clock went back after it."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, TWO_ROUNDS, Said("And then?", at=START - timedelta(days=1)))
        offered = {row["name"] for row in history.first_turn_tools(found, thread)}
        assert offered == {call.name for call in TWO_ROUNDS.calls}


def test_contents_are_not_read_unless_needed(log: Path) -> None:
    """Without content, attachments are listed but their bytes are not read."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, Said("Look.", attachments=(PICTURE,)))
        numbered = enumerate(history.exchange_turns(found, thread), 1)
        (exchange,) = history.exchanges(found, numbered, with_content=False)
        (attachment,) = exchange.turns[0].input[0].parts[1].attachments
        assert (attachment.type, attachment.content) == ("image/png", None)


# -- figures -----------------------------------------------------------


@GENERATIONS
def test_turns_have_times_and_counts(log: Path, generation: str) -> None:
    """Each turn has its start, its duration and the server's counts, or None if there are none."""
    with built(log) as (builder, found):
        thread = builder.thread()
        writer(builder, generation)(thread, Said("One.", tokens=(40, 2), duration_ms=1500), Said("Two."))
        first, second = (exchange.turns[0] for exchange in read(found, thread))
        assert (first.input_tokens, first.output_tokens, first.duration_ms) == (40, 2, 1500)
        assert first.datetime_utc == START.isoformat()
        assert (second.input_tokens, second.output_tokens) == (None, None)


# -- rows that are not there --------------------------------------------


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        pytest.param("delete from parts", [("user", ""), ("assistant", "")], id="no_parts"),
        pytest.param("delete from fragments", [("user", "\nSum it up."), ("assistant", "Noted.")], id="no_fragment"),
        pytest.param(
            "delete from attachments", [("user", f"{NOVEL}\nSum it up."), ("assistant", "Noted.")], id="no_attachment"
        ),
        pytest.param("delete from messages", [], id="no_messages"),
        pytest.param("update turns set tip_message_hash = null", [("user", f"{NOVEL}\nSum it up.")], id="no_tip"),
        pytest.param(
            "update turns set parent_message_hash = null",
            [("user", f"{NOVEL}\nSum it up."), ("assistant", "Noted.")],
            id="no_parent",
        ),
    ],
)
def test_missing_rows_are_tolerated(log: Path, statement: str, left: list[tuple[str, str]]) -> None:
    """If rows are missing (a vacuumed or repaired log), the rest of the exchange is read."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, Said("Sum it up.", fragments=(NOVEL,), attachments=(PICTURE,)))
        builder.db.execute("pragma foreign_keys = off")
        with builder.db.atomic():
            builder.db.execute(statement)
        (exchange,) = read(found, thread)
        assert said(exchange.messages) == left


def test_a_turn_deleted_in_between_is_left_out(log: Path) -> None:
    """An exchange whose turns were deleted after numbering is not returned; the others keep their numbers."""
    with built(log) as (builder, found):
        thread = builder.thread()
        ids = builder.turns(thread, Said("One."), Said("Two."), Said("Three."))
        numbered = list(enumerate(history.exchange_turns(found, thread), 1))
        with builder.db.atomic():
            builder.db.execute("delete from turns where id = ?", [ids[1]])
        assert [exchange.number for exchange in history.exchanges(found, numbered)] == [1, 3]


def test_a_log_without_the_older_tables(log: Path) -> None:
    """A log without the tables of older llms (which later migrations of llm drop) can be read."""
    with built(log) as (builder, found):
        thread = builder.thread()
        builder.turns(thread, Said("One."))
        for table in ("conversations", "responses", "tool_calls", "tool_results"):
            builder.db.table(table).drop()
        assert [exchange.prompt for exchange in read(found, thread)] == ["One."]
        assert history.is_known(found, thread)

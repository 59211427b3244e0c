"""Our full-text index: it catches up with the log, finds words in one thread, and copies no text."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import llm
import pytest

from llm_session_memory.model import Session, Settings
from llm_session_memory.rules.passages import query_words
from llm_session_memory.store import Log, Requests, Sessions, history, index, index_writing
from llm_session_memory.store.index import Index
from llm_session_memory.store.schema import statement
from tests.store.world import built, contents, opened
from tests.world.logs import START, Call, LogBuilder, Said

LOOP = Said("What is the tide?", "High at noon.", calls=(Call("tide", {"at": "Lisbon"}, "12:04, four metres"),))
LONG = " ".join(f"Pier {number} stands on granite. It was built in {1900 + number}." for number in range(60))


def found(log: Log, thread: str, prompt: str) -> list[str]:
    """Return the texts of the passages that contain any of the prompt's words, oldest first."""
    here = Index(log)
    ids = sorted({id_ for ids in here.lookup(here.scopes(thread), query_words(prompt), 100).values() for id_ in ids})
    turns = here.turns_of(ids)
    texts = here.texts(here.passages(dict.fromkeys(turns[id_] for id_ in ids)))
    return [texts[id_] for id_ in ids]


def indexed(log: Log) -> list[tuple[object, ...]]:
    """Return everything that the index says about passages, except their ids."""
    rows = log.rows("select * from memory_passages order by turn_id, side, part")
    return [tuple(value for name, value in row.items() if name not in ("id", "thread")) for row in rows]


# -- catching up -------------------------------------------------------


@pytest.mark.parametrize("generation", ["turns", "responses", "both"])
def test_prompts_replies_and_tool_results_are_found(log: Path, generation: str) -> None:
    """Prompts, replies and tool results are found, in both generations of llm's tables, each once."""
    with built(log) as (builder, here):
        thread = builder.thread()
        write = getattr(builder, generation)
        write(thread, Said("We build a bridge.", "Of granite?"), LOOP, Said("Go on.", ""))
        assert Index(here).catch_up(thread) == 4
        assert found(here, thread, "bridges") == ["We build a bridge."]
        assert found(here, thread, "GRANITE") == ["Of granite?"]
        assert found(here, thread, "tide noon metres") == ["What is the tide?", "12:04, four metres", "High at noon."]
        assert found(here, thread, "lighthouse") == []


def test_a_session_of_both_generations_is_one_thread(log: Path) -> None:
    """Text that an older llm logged and text logged since are found together, in conversation order."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.responses(thread, Said("The old bridge."))
        builder.turns(thread, Said("The new bridge."))
        assert Index(here).catch_up(thread) == 2
        assert found(here, thread, "bridge") == ["The old bridge.", "The new bridge."]


def test_only_what_is_new_is_indexed(log: Path) -> None:
    """Catching up again does nothing; after new turns it adds those, as if all had been indexed at once."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, Said("One bridge."), LOOP)
        assert [Index(here).catch_up(thread) for _ in range(2)] == [3, 0]
        changes = here.database.conn.total_changes
        assert Index(here).catch_up(thread) == 0
        assert here.database.conn.total_changes == changes
        builder.turns(thread, Said("Two bridges."), Said("", ""))
        assert Index(here).catch_up(thread) == 2
        assert found(here, thread, "bridge") == ["One bridge.", "Two bridges."]
        by_steps, size = indexed(here), sum(scope.passages for scope in Index(here).scopes(thread))
        here.run("update memory_index set rules = -1")
        assert Index(here).catch_up(thread) == 5
        assert (indexed(here), sum(scope.passages for scope in Index(here).scopes(thread))) == (by_steps, size)


@pytest.mark.parametrize("behind", [1, index._LATE + 40], ids=["just late", "very late"])
def test_a_turn_that_is_logged_late_is_indexed_too(log: Path, behind: int) -> None:
    """A turn that began before others that are already indexed is not missed, however late it is logged."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, *(Said(f"Number {number}.") for number in range(behind)), block=10)
        Index(here).catch_up(thread)
        builder.unseen(thread, Said("The late bridge.", at=START))
        assert Index(here).catch_up(thread) == 1
        assert found(here, thread, "bridge") == ["The late bridge."]
        assert Index(here).catch_up(thread) == 0


def test_a_turn_that_says_nothing_is_known_as_indexed(log: Path) -> None:
    """Turns without any text are not examined again and again, and have no passages."""
    with built(log) as (builder, here):
        thread = builder.thread()
        picture = llm.Attachment(type="image/png", content=b"\x89PNG")
        ids = builder.turns(thread, Said("", "", attachments=(picture,)), Said("Bridge.", ""))
        assert [Index(here).catch_up(thread) for _ in range(2)] == [2, 0]
        assert [row["turn_id"] for row in Index(here).passages(ids)] == [ids[1]]


def test_other_rules_index_a_thread_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the rules that split texts into words have changed, a thread is indexed again, and found once."""
    with built(log) as (builder, here):
        thread, other = builder.thread(), builder.thread()
        builder.turns(thread, Said("The bridge.", LONG))
        builder.turns(other, Said("Another bridge."))
        for each in (thread, other):
            Index(here).catch_up(each)
        before = indexed(here)
        newer = index_writing.RULES + 1
        for module, name in ((index, "RULES"), (index_writing, "RULES"), (index_writing, "LEAST_RULES")):
            monkeypatch.setattr(module, name, newer)
        assert found(here, thread, "bridge") == []
        assert Index(here).catch_up(thread) == 1
        assert found(here, thread, "bridge") == ["The bridge."]
        assert indexed(here) == before
        assert Index(here).catch_up(other) == 1
        assert found(here, other, "bridge") == ["Another bridge."]


def test_all_sessions_catch_up(log: Path) -> None:
    """Each session that is behind catches up, of both generations; conversations without a name are left alone."""
    with built(log) as (builder, here):
        threads = {name: builder.thread() for name in ("new", "old", "none")}
        builder.turns(threads["new"], Said("A bridge."), LOOP)
        builder.responses(threads["old"], Said("An old bridge."))
        builder.turns(threads["none"], Said("No bridge."))
        for name in ("new", "old"):
            Sessions(here).add(Session(threads[name], name, START.isoformat(), Settings()))
        steps: list[tuple[int, int]] = []
        assert Index(here).catch_up_all(lambda *step: steps.append(step)) == 4
        assert steps == [(1, 2), (2, 2)]
        assert Index(here).catch_up_all() == 0
        assert found(here, threads["old"], "bridge") == ["An old bridge."]
        assert found(here, threads["none"], "bridge") == []


def test_an_original_is_indexed_rather_than_what_was_sent_of_it(log: Path) -> None:
    """A tool result that had to be cut before it was sent is indexed in full."""
    with built(log) as (builder, here):
        thread = builder.thread()
        _, answering = builder.turns(thread, LOOP)
        whole = {
            "type": "tool_result",
            "name": "tide",
            "output": f"12:04, four metres. {LONG} Storm warning.",
            "tool_call_id": "1",
        }
        with here.writing():
            Requests(here).keep_original(answering, [{"role": "tool", "parts": [whole]}])
        Index(here).catch_up(thread)
        (passage,) = found(here, thread, "storm")
        assert passage.endswith("Storm warning.")


# -- looking up --------------------------------------------------------


def test_words_are_looked_up_within_one_thread(log: Path) -> None:
    """A word is found only in the requested thread, even a word that looks like a thread's number."""
    with built(log) as (builder, here):
        threads = [builder.thread() for _ in range(3)]
        for number, thread in enumerate(threads, 1):
            builder.turns(thread, Said(f"Bridge {number} of 3."))
            Index(here).catch_up(thread)
        assert [found(here, thread, "bridge") for thread in threads] == [[f"Bridge {n} of 3."] for n in (1, 2, 3)]
        assert Index(here).lookup(Index(here).scopes(threads[0]), ["2"], 9) == {"2": []}
        assert Index(here).lookup(Index(here).scopes("no such thread"), ["bridge"], 9) == {}


def test_the_newest_passages_of_a_common_word_are_found(log: Path) -> None:
    """If more passages contain a word than are asked for, the newest are found."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, *(Said(f"Bridge {number}.") for number in range(5)))
        Index(here).catch_up(thread)
        everything = Index(here).lookup(Index(here).scopes(thread), ["bridge"], 9)["bridge"]
        assert everything == sorted(everything, reverse=True)
        assert Index(here).lookup(Index(here).scopes(thread), ["bridge"], 2)["bridge"] == everything[:2]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("橋の塗料は赤です。", "塗料の色は？"),
        ("我们在里斯本建一座桥。", "里斯本在哪里？"),
        ("ﾌﾞﾘｯｼﾞの予算", "ブリッジ"),
        ("Ｌｉｓｂｏｎ bridge", "lisbon"),
        ("다리는 리스본에 있다.", "리스본"),
        ("Über die Brücke", "uber"),
        ("Мост в Лиссабоне", "МОСТ"),
        ('The "C++" bridge: x = a-b*c', 'What of "c++" (bridge)* NOT x:y?'),
    ],
)
def test_any_script_is_found(log: Path, said: str, asked: str) -> None:
    """Words are found ignoring case, accents and width, in scripts without spaces too; no character is syntax."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, Said("Something else: 夜, noch."), Said(said))
        Index(here).catch_up(thread)
        assert found(here, thread, asked) == [said]


def test_texts_are_exactly_what_the_log_has(log: Path) -> None:
    """The passages of a turn are stretches of its texts, in order, with only white space between them."""
    reply = f"  {LONG}\n\n```python\nprint('橋')\n```\n\n" + "長い文章です。" * 120 + "\n"
    with built(log) as (builder, here):
        thread = builder.thread()
        (turn_id,) = builder.turns(thread, Said("Tell me all.", reply))
        Index(here).catch_up(thread)
        rows = Index(here).passages([turn_id])
        texts = Index(here).texts(rows)
        assert texts[rows[0]["id"]] == "Tell me all."
        parts = [texts[row["id"]] for row in rows[1:]]
        assert len(parts) > 5
        place = 0
        for part in parts:
            place = reply.index(part, place) + len(part)
        assert "".join("".join(parts).split()) == "".join(reply.split())


def test_a_turn_that_is_gone_has_no_texts(log: Path) -> None:
    """Passages of a turn that was deleted from the log are skipped without an error."""
    with built(log) as (builder, here):
        thread = builder.thread()
        gone, kept = builder.turns(thread, Said("The first bridge."), Said("The second bridge."))
        Index(here).catch_up(thread)
        builder.db.execute("delete from turns where id = ?", [gone])
        builder.db.conn.commit()
        rows = Index(here).passages([gone, kept])
        assert set(Index(here).texts(rows).values()) == {"The second bridge.", "Noted."}
        assert Index(here).catch_up(thread) == 0


# -- beside others -----------------------------------------------------


def test_nothing_of_llms_tables_changes(log: Path) -> None:
    """Indexing writes our own three tables and nothing else."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, Said("A bridge.", LONG), LOOP)
        builder.responses(thread, Said("An old bridge."))
        before = contents(log)
        Index(here).catch_up(thread)
        changed = {name for name, rows in contents(log).items() if rows != before[name]}
        assert changed == {"memory_index", "memory_passages"}


def test_vacuum_leaves_the_index_right(log: Path) -> None:
    """VACUUM, which may renumber rows that have no id of their own, does not change what is found."""
    with built(log) as (builder, here):
        thread = builder.thread()
        builder.turns(thread, *(Said(f"Bridge {number}.") for number in range(5)))
        Index(here).catch_up(thread)
        here.run("update memory_index set rules = -1")
        Index(here).catch_up(thread)  # again, so that ids begin with a gap
        before = found(here, thread, "bridge 3")
        here.database.conn.commit()
        here.run("vacuum")
        assert found(here, thread, "bridge 3") == before
        builder.turns(thread, Said("And a lighthouse."))
        Index(here).catch_up(thread)
        assert found(here, thread, "lighthouse") == ["And a lighthouse."]


def test_two_at_once_index_each_turn_once(log: Path) -> None:
    """Connections that catch up at the same time wait for each other, and skip what the other has indexed."""
    with LogBuilder(log) as builder:
        thread = builder.thread()
        builder.turns(thread, *(Said(f"Bridge {number}.", LONG) for number in range(40)), block=10)
    with opened(log):
        pass
    start = threading.Barrier(3)
    errors: list[Exception] = []

    def catch_up() -> None:
        try:
            with opened(log) as here:
                start.wait()
                Index(here).catch_up(thread)
        except Exception as error:  # noqa: BLE001  reported below
            errors.append(error)

    threads = [threading.Thread(target=catch_up) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert errors == []
    with opened(log) as here:
        assert len(found(here, thread, "bridge")) == 40
        assert sum(scope.passages for scope in Index(here).scopes(thread)) == here.value(
            "select count(*) from memory_passages"
        )
        here.run("insert into memory_words (memory_words) values ('integrity-check')")
        assert Index(here).catch_up(thread) == 0


# -- speed -------------------------------------------------------------


@pytest.fixture(name="plans")
def _plans(log: Path) -> Iterator[dict[str, list[str]]]:
    """Return how SQLite carries out each query of recall, by query."""
    with built(log) as (builder, here):
        thread = builder.thread()
        (turn_id,) = builder.turns(thread, Said("A bridge."))
        builder.responses(thread, Said("An old bridge."))
        asked: list[str] = []
        here.database.conn.set_trace_callback(asked.append)
        Index(here).catch_up(thread)
        Index(here).lookup(Index(here).scopes(thread), ["bridge"], 9)
        Index(here).texts(Index(here).passages([turn_id]))
        Index(here).turns_of([1])
        Index(here).ids_of([turn_id])
        Index(here).dates([turn_id])
        history.exchange_turns(here, thread)
        here.database.conn.set_trace_callback(None)
        reads = [sql for sql in asked if sql.lstrip("-").strip() and ("select" in sql or "delete" in sql)]
        yield {sql: [str(row["detail"]) for row in here.rows(f"explain query plan {sql}")] for sql in reads}


def test_no_query_reads_a_whole_table(plans: dict[str, list[str]]) -> None:
    """Each query uses an index: none scans a table that grows with the log.

    Except tables of an older llm that have no index; plain llm no longer adds rows to them.
    """
    tables = {
        "memory_passages",
        "memory_recalls",
        "turns",
        "t",
        "messages",
        "m",
        "earlier",
        "parts",
        "p",
        "turn_search",
        "s",
    }
    steps = [(sql, step) for sql, steps in plans.items() for step in steps]
    assert steps
    assert [(sql, step) for sql, step in steps if step.startswith("SCAN") and step.split()[1] in tables] == []
    assert [step for sql, step in steps if "results.outputs" in sql and step.startswith("CORRELATED")] == []


def test_the_words_are_found_by_the_full_text_index(plans: dict[str, list[str]]) -> None:
    """A word is looked up in the full-text index by one match, including the thread."""
    (steps,) = [steps for sql, steps in plans.items() if "memory_words match" in sql]
    assert steps == ["SCAN memory_words VIRTUAL TABLE INDEX 192:M3"]


def test_the_queries_are_files(log: Path) -> None:
    """Both statements for texts return the same columns, so the generations look the same."""
    with built(log) as (_, here):
        columns = []
        for name in ("turn_texts", "response_texts"):
            cursor = here.database.conn.execute(statement(name), {"ids": "[]"})
            columns.append([column[0] for column in cursor.description])
        assert columns[0] == columns[1] == ["turn_id", "prompt", "tool", "reply"]

"""`llm sessions search`: the exchanges of all sessions, or of one, that hold some words."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from llm_session_memory.memory import Memory
from tests.conftest import Command
from tests.world.laws import tried
from tests.world.logs import Call, LogBuilder, Said, as_read_only, as_writable
from tests.world.once import once
from tests.world.scripted import Script

LONG = "Nothing of it matters here. " * 40


def _day(day: int) -> datetime:
    return datetime(2026, 9, day, 12, tzinfo=timezone.utc)


@pytest.fixture(name="work", autouse=True)
@once
def _work(llm_: Command, log: Path) -> None:
    """Sessions `work` and `old` (of an older llm), and a conversation that is no session."""
    with LogBuilder(log) as built:
        work, old, unnamed = built.thread(), built.thread(), built.thread()
        built.turns(
            work,
            Said("We build a bridge in Lisbon.", "The harbour office signs off on 4 May.", at=_day(1)),
            Said("Is C++ fine? And 深水港の話?", "Yes. 東京都の規則です。", at=_day(2)),
            Said("What is the tide?", "High at noon.", calls=(Call("tide", {}, "harbour gauge: 3.2 m"),), at=_day(3)),
            Said(LONG + "The harbour is deep. " + LONG, "Noted.", at=_day(4)),
        )
        built.responses(old, Said("The old harbour.", "Rebuilt in 1905.", at=_day(5)), model="gpt-4o-mini")
        built.turns(unnamed, Said("A harbour of nobody's.", at=_day(6)))
    llm_("sessions", "name", work, "work").ok()
    llm_("sessions", "name", old, "old").ok()


def _hits(llm_: Command, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(llm_("sessions", "search", "--json", *words).ok().out)
    return found


def _where(llm_: Command, *words: str) -> list[tuple[str, int]]:
    return [(hit["session"], hit["number"]) for hit in _hits(llm_, *words)]


def test_a_hit_says_where_when_and_what(llm_: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hit has session and number, time, model and a snippet, which is labelled if a model or a tool wrote it."""
    blocks = llm_("sessions", "search", "harbour").ok().out.split("\n\n")
    assert len(blocks) == 4
    (first,) = [block for block in blocks if "signs off" in block]
    head, line = first.splitlines()
    assert head.startswith("work #1 · 2026-09-01 ")
    assert head.endswith(" · scripted")
    assert line == "  reply: The harbour office signs off on 4 May."
    assert any("\n  tool: harbour gauge: 3.2 m" in block for block in blocks)
    assert any(block.strip().endswith("\n  The old harbour.") for block in blocks)


def test_json(llm_: Command) -> None:
    """--json has each hit with its ids, score, side, snippet and marks; a higher score is better."""
    (hit,) = _hits(llm_, "office")
    assert hit.pop("score") > 0
    assert len(hit.pop("thread_id")) == len(hit.pop("exchange_id")) == 26
    assert hit == {
        "session": "work",
        "number": 1,
        "side": "reply",
        "snippet": "The harbour office signs off on 4 May.",
        "marks": [[12, 18]],
        "model": "scripted",
        "datetime_utc": "2026-09-01T12:00:00+00:00",
    }
    scores = [hit["score"] for hit in _hits(llm_, "harbour")]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("LISBON",), [("work", 1)]),
        (("sign",), [("work", 1)]),
        (("C++",), [("work", 2)]),
        (("水港",), [("work", 2)]),
        (("東京都の規則",), [("work", 2)]),
        (("gauge",), [("work", 3)]),
        (("tide", "gauge"), [("work", 3)]),
        (('"office harbour"',), []),
        (('"harbour office"',), [("work", 1)]),
        (("nobody",), []),
        (("1905",), [("old", 1)]),
        (("harbour", "-s", "OLD"), [("old", 1)]),
        (("harbour", "-m", "gpt-4o-mini"), [("old", 1)]),
        (("harbour", "--since", "2026-09-05"), [("old", 1)]),
        (("harbour", "--until", "2026-09-01"), [("work", 1)]),
        (("harbour", "--latest"), [("old", 1), ("work", 4), ("work", 3), ("work", 1)]),
        (("harbour", "--latest", "-n", "2"), [("old", 1), ("work", 4)]),
        (("harbour", "--tag", "years"), [("old", 1)]),
        (("harbour", "--tag", "none"), []),
        (("harbour", "--tag", "years", "-s", "work"), []),
        (("--raw", "harbour NOT office", "-s", "work", "--latest"), [("work", 4), ("work", 3)]),
        (("--raw", "gaug*"), [("work", 3)]),
        (("--raw", "x) OR (lisbon", "-s", "old"), []),
        (("--", "-m"), [("work", 3)]),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_what_is_found(llm_: Command, words: tuple[str, ...], where: list[tuple[str, int]]) -> None:
    """Prompts, replies and tool results of sessions are found, in both generations of tables, within the filters."""
    llm_("sessions", "tag", "old", "Years").ok()
    assert _where(llm_, *words) == where


def test_all_words_first(llm_: Command) -> None:
    """The words may be spread over prompt and reply. Exchanges with only some words appear if none has all."""
    assert _where(llm_, "Lisbon office") == [("work", 1)]
    assert _where(llm_, "harbour office Lisbon") == [("work", 1)]
    assert _where(llm_, "office of the zanzibar") == [("work", 1)]
    assert _where(llm_, "harbour zanzibar", "-n", "1") != []


def test_the_snippet_is_around_the_match(llm_: Command) -> None:
    """The snippet of a long text is the part that matched, with the matches marked."""
    (hit,) = [hit for hit in _hits(llm_, "harbour") if hit["number"] == 4]
    assert "The harbour is deep." in hit["snippet"]
    assert len(hit["snippet"]) < 250
    assert [hit["snippet"][start:end] for start, end in hit["marks"]] == ["harbour"]


def test_new_exchanges_are_found_at_once(llm_: Command, script: Script) -> None:
    """Exchanges since the last search are found by the next one."""
    assert _where(llm_, "zanzibar") == []
    llm_("--session", "work", "-m", "scripted", "Zanzibar?").ok()
    assert _where(llm_, "zanzibar") == [("work", 5)]


def test_a_tool_loop_is_one_hit(llm_: Command) -> None:
    """An exchange of several calls is found once, under its own number and id."""
    (hit,) = _hits(llm_, "--raw", "tide OR gauge OR noon")
    (shown,) = json.loads(llm_("sessions", "show", "work", "--from", "3", "--to", "3", "--json").ok().out)["exchanges"]
    assert (hit["number"], hit["exchange_id"]) == (3, shown["id"])


@pytest.mark.parametrize(
    "words",
    ["", " ", "-", "+-+", '"', '"unbalanced', "\x00", "\ud800", "😀", "* ( ) : ^", "NEAR(", "a" * 5_000, "{x} : y"],
)
def test_any_text_is_a_valid_query(llm_: Command, words: str) -> None:
    """No text is an error; without a match, stderr says so."""
    done = llm_("sessions", "search", words).ok()
    assert (done.out, done.err) == ("", "No matches.\n")
    assert llm_("sessions", "search", "--json", words).ok().out == "[]\n"


@given(text=st.text(min_size=1, max_size=40))
@tried(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_a_search(log: Path, text: str) -> None:
    """Any text, as words or as syntax, gives hits or an error message."""
    with Memory(log) as memory:
        memory.search(text)
        memory.search(f"{text} harbour", latest=True)


@pytest.mark.parametrize("words", ["harbour AND", '"open', "prompt : x", "(a", "NEAR(a, b)", "*"])
def test_invalid_syntax_is_an_error(llm_: Command, words: str) -> None:
    """--raw with invalid FTS5 syntax is an error that says what to do."""
    done = llm_("sessions", "search", "--raw", words)
    assert done.err.startswith("Error: The search is not valid FTS5 syntax (")
    assert done.err.endswith("). To search for the words as they are, omit --raw.\n")
    assert done.code == 1


def test_what_is_shown_is_safe(llm_: Command, log: Path) -> None:
    """Control characters in a model's text are shown as signs, also inside matches."""
    with LogBuilder(log) as built:
        thread = [built.thread() for _ in range(20)][-1]
        built.turns(thread, Said("x", "\x1b]0;owned\x07 zanzi\u202ebar zanzibar\n\nsession #1"), model="m\x1b[1m")
    llm_("sessions", "name", thread, "hostile").ok()
    done = llm_("sessions", "search", "zanzibar").ok()
    assert "␛]0;owned␇ zanzi⟦U+202E⟧bar zanzibar session #1" in done.out
    assert not set("\x1b\x07\u202e") & set(done.out)
    assert "\x1b" not in llm_("sessions", "search", "zanzibar", "--json").ok().out


def test_turns_that_are_gone_are_not_found(llm_: Command, log: Path) -> None:
    """Turns deleted since they were indexed are not found, and cause no error."""
    assert len(_where(llm_, "harbour")) == 4
    with LogBuilder(log) as built:
        built.db.execute("pragma foreign_keys = off")
        for table in ("turns", "responses"):
            built.db.execute(f"delete from {table}")
        built.db.conn.commit()
    for flags in ((), ("--latest",), ("-s", "work"), ("--since", "2020"), ("--raw",)):
        assert _where(llm_, "harbour office", *flags) == []


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("x", "-s", "wrok"), "Session “wrok” not found. Did you mean “work”?"),
        (("x", "--since", "soon"), "“soon” is not a date. Use a date like 2026-01-31, 2026-01, or 2026-01-31T10:30."),
    ],
)
def test_unknown_sessions_and_dates(llm_: Command, words: tuple[str, ...], error: str) -> None:
    """An unknown session or an invalid date is an error."""
    done = llm_("sessions", "search", *words)
    assert (done.err, done.code) == (f"Error: {error}\n", 1)


def test_without_sessions_nothing_is_found(llm_: Command, tmp_path: Path) -> None:
    """A log without sessions has no matches. A missing log is an error that says how to start."""
    empty = tmp_path / "empty.db"
    LogBuilder(empty).db.close()
    assert llm_("sessions", "search", "x", "-d", str(empty)).ok().err == "No matches.\n"
    done = llm_("sessions", "search", "x", "-d", str(tmp_path / "none.db"))
    assert (
        done.err
        == f'Error: There is no log at {tmp_path}/none.db yet. Start a session with: llm --session NAME "..."\n'
    )


def test_a_log_that_can_not_be_written_is_searched(llm_: Command, script: Script, log: Path) -> None:
    """A read-only log is searched with its index; what the index lacks is read, and stderr says so."""
    assert _where(llm_, "office") == [("work", 1)]
    as_read_only(log)
    assert llm_("sessions", "search", "office").ok().err == ""
    as_writable(log)
    llm_("--session", "work", "-m", "scripted", "Zanzibar 🚀 office?").ok()
    as_read_only(log)
    assert _where(llm_, "office") == [("work", 1), ("work", 5)]
    assert _where(llm_, "office", "--latest") == [("work", 5), ("work", 1)]
    done = llm_("sessions", "search", "zanz 🚀").ok()
    assert "Zanzibar 🚀 office?" in done.out
    assert done.err == (
        f"The log {log} is read-only, so nothing can be changed in it."
        " Calls not in the search index were searched one by one: 1.\n"
    )
    assert llm_("sessions", "search", "--raw", "office").err.startswith(f"Error: The log {log} is read-only")


def test_a_read_only_log_with_the_index_of_an_earlier_version_is_searched(llm_: Command, log: Path) -> None:
    """An index that an earlier version made is not used; the texts are read instead."""
    _where(llm_, "office")
    as_before(log)
    as_read_only(log)
    assert _where(llm_, "office") == [("work", 1)]
    assert _where(llm_, "harb", "--since", "2026-09-05") == [("old", 1)]


def test_the_index_of_an_earlier_version_is_remade(llm_: Command, log: Path) -> None:
    """The first search after an update makes the index anew: new words are found, and passages keep their ids."""
    _where(llm_, "office")
    as_before(log)
    with Memory(log) as memory:
        before = memory.desk.log.rows("select id, turn_id, side, part from memory_passages order by id")
    assert _where(llm_, "offi") == [("work", 1)]
    with Memory(log) as memory:
        assert memory.desk.log.rows("select id, turn_id, side, part from memory_passages order by id") == before
        assert memory.desk.log.value("select count(*) from memory_index where rules = 3") == 2


def as_before(log: Path) -> None:
    """Give a log the index of version 1, in which FTS5 made the words."""
    with LogBuilder(log) as built:
        for statement in (
            "drop table memory_words",
            "create virtual table memory_words using fts5 (thread, text, content = '', tokenize = 'porter unicode61')",
            "update memory_index set rules = 1",
            "delete from _sqlite_migrations where name = '004_words'",
        ):
            built.db.execute(statement)
        built.db.conn.commit()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("🚀", "Launch 🚀 today"),
        ("💻", "She is a 👩‍💻 by trade"),
        ("👍🏽", "Fine 👍🏽!"),
        ("🇵🇹", "Lisbon🇵🇹"),
        ("ประชุม", "เราจะประชุมพรุ่งนี้"),
        ("ປະຊຸມ", "ພວກເຮົາປະຊຸມມື້ອື່ນ"),
        ("ประช", "เราจะประชุมพรุ่งนี้"),
        ("ភ្នំ", "ទីក្រុងភ្នំពេញ"),
        ("မြို့", "ရန်ကုန်မြို့တော်"),
        ("ΑΘΗΝΑ", "Η Αθήνα είναι εδώ"),
        ("strasse", "Die STRAẞE, die Straße"),
        ("Strass", "die Straße"),
        ("izmir", "İZMİR ve ISPARTA"),
        ("ısparta", "İZMİR ve ISPARTA"),
        ("שלום", "שָׁלוֹם עולם"),
        ("محمد", "مُحَمَّد هنا"),
        ("Fine", "ﬁne ｗｉｄｅ"),
        ("wid", "ﬁne ｗｉｄｅ"),
        ("9f86d081", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("request", "call parseHTTPRequest() now"),
        ("http", "call parseHTTPRequest() now"),
        ("httpreq", "call parseHTTPRequest() now"),
        ("parsehttp", "call parseHTTPRequest() now"),
        ("1.2.3", "tagged v1.2.3-rc.1"),
        ("rc.1", "tagged v1.2.3-rc.1"),
        ("meier@exa", "anna.meier@example.org"),
        ("foo::b", "foo::bar<T>"),
        ("/usr/lo", "in /usr/local/bin"),
        ("1,234.5", "It costs $1,234.56"),
        ("case_na", "snake_case_name"),
        ("c#", "In C# and C++"),
        (".env", "the .env file"),
        ("--dry", "use --dry-run"),
        ("=>", "x => y"),
        ("organizati", "The organization"),
        ("copy", "All copyright reserved"),
        ("кв", "Моя квартира"),
    ],
)
def test_what_is_there_is_found(llm_: Command, log: Path, typed: str, said: str) -> None:
    """What a text holds is found, from the beginning of any word, part of a word or sign on, and it is marked."""
    with LogBuilder(log) as built:
        thread = [built.thread() for _ in range(20)][-1]
        built.turns(thread, Said(said, "Noted."))
    llm_("sessions", "name", thread, "said").ok()
    (hit,) = [hit for hit in _hits(llm_, "--", typed) if hit["session"] == "said"]
    assert hit["snippet"] == said
    assert hit["marks"]


@pytest.mark.parametrize(
    "text", ["深水港の話東京都規則です里斯本桥" * 60, "0123456789abcdef" * 90 + " end", "a/b-c_d.e" * 200]
)
def test_what_crosses_the_end_of_a_passage_is_found(llm_: Command, log: Path, text: str) -> None:
    """A text without blanks is split anywhere. What crosses a split is found and marked."""
    with LogBuilder(log) as built:
        thread = [built.thread() for _ in range(20)][-1]
        built.turns(thread, Said(text, "Noted."))
    llm_("sessions", "name", thread, "said").ok()
    with Memory(log) as memory:
        memory.search("all")
        rows = memory.desk.log.rows(
            'select p."end" from memory_passages p join turns t on t.id = p.turn_id'
            " where p.side = 0 and p.part < 3 and t.thread_id = :id",
            {"id": thread},
        )
        for place in [0] if text[0] == "0" else [row["end"] - 3 for row in rows]:
            for typed in (text[place : place + 6], text[place : place + 100]):
                (hit,) = memory.search(typed, session="said")
                assert hit.marks

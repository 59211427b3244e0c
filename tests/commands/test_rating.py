"""The rules of `llm sessions rate` and `llm sessions bookmark`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.interchange.world import content, exported, import_lines, new_log
from tests.world.logs import LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Script

WHY = "Found the right paragraph"


@pytest.fixture(name="work", autouse=True)
@once
def _work(llm_: Command, script: Script) -> None:
    """A session `work` of two exchanges."""
    llm_("-m", "scripted", "--session", "work", "Hello").ok()
    llm_("--session", "work", "When?").ok()


def test_an_exchange_is_rated_and_the_ratings_are_listed(llm_: Command) -> None:
    """A rating is printed together with the earlier ones, by number. A new rating replaces the old one."""
    assert llm_("sessions", "rate", "work").ok().out == "Session “work” has no ratings.\n"
    assert llm_("sessions", "rate", "work", "2", "4", "--note", WHY).ok().out == f"#2 4 of 5: {WHY}\n"
    assert llm_("sessions", "rate", "work", "1", "UP").ok().out == f"#1 up\n#2 4 of 5: {WHY}\n"
    assert llm_("sessions", "rate", "WORK", "2", "down").ok().out == "#1 up\n#2 down\n"
    (first, second) = json.loads(llm_("sessions", "rate", "work", "--json").ok().out)
    assert first.pop("rated_utc") > "2026-"
    assert first == {"number": 1, "mark": "up", "note": ""}
    assert (second["number"], second["mark"]) == (2, "down")


def test_a_rating_is_deleted(llm_: Command) -> None:
    """--delete deletes the rating and prints it. Deleting it twice is an error."""
    llm_("sessions", "rate", "work", "1", "up", "--note", WHY).ok()
    done = llm_("sessions", "rate", "work", "1", "--delete").ok()
    assert (done.err, done.out) == (f"Deleted: up: {WHY}\n", "Session “work” has no ratings.\n")
    again = llm_("sessions", "rate", "work", "1", "--delete")
    assert again.err == ("Error: Exchange #1 of “work” has no rating. Rate it with: llm sessions rate work 1 up\n")


def test_ratings_of_other_people_are_listed_and_shown_and_go_with_the_exchange(llm_: Command) -> None:
    """They have the person's name, and nothing of them is an escape sequence of a terminal. They can't be deleted."""
    log = Path(llm_("logs", "path").ok().out.strip())
    sql = "select thread_id, id from turns order by id limit 1"
    with LogBuilder(log) as built:
        ((thread, turn),) = built.db.execute(sql).fetchall()
        rated = (thread, turn, "ana\x1b", "4", "too\nlong", "2026-11-29T08:00:00+00:00")
        built.db.execute("insert into memory_other_ratings values (?, ?, ?, ?, ?, ?)", rated)
        built.db.conn.commit()
    llm_("sessions", "rate", "work", "1", "up").ok()
    assert llm_("sessions", "rate", "work").ok().out.splitlines() == ["#1 up", "#1 ana␛: ★4, “too long”"]
    own, other = json.loads(llm_("sessions", "rate", "work", "--json").ok().out)
    assert ("person" in own, other["mark"]) == (False, "4")
    assert "*Rated by ana␛: ★4, “too long”*" in llm_("sessions", "show", "work").ok().out
    llm_("sessions", "delete", "work", "--exchange", "1", "--yes").ok()
    with LogBuilder(log) as built:
        assert built.db.execute("select * from memory_other_ratings").fetchall() == []
        assert built.db.execute("select * from memory_changes where kind like '%rating'").fetchall() == []


def test_an_exchange_is_labelled_and_the_labels_are_listed(llm_: Command) -> None:
    """An exchange has one label. --delete deletes it and prints it."""
    assert llm_("sessions", "bookmark", "work").ok().out == "Session “work” has no bookmarks.\n"
    assert llm_("sessions", "bookmark", "work", "2", "The  deadline\nmoves").ok().out == "#2 The deadline moves\n"
    assert llm_("sessions", "bookmark", "work", "2", "Dates").ok().out == "#2 Dates\n"
    (found,) = json.loads(llm_("sessions", "bookmark", "work", "--json").ok().out)
    assert (found["number"], found["label"]) == (2, "Dates")
    done = llm_("sessions", "bookmark", "work", "2", "--delete").ok()
    assert (done.err, done.out) == ("Deleted: Dates\n", "Session “work” has no bookmarks.\n")


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("rate", "work", "1", "6"), "Error: “6” can't be a rating. Rate with up, down, or 1 to 5 (5 is best).\n", 1),
        (("rate", "work", "3", "up"), "Session “work” has no exchange #3. It has 2, numbered from 1.\n", 1),
        (("rate", "none", "1", "up"), "Session “none” not found.", 1),
        (("rate", "work", "1"), "Error: Give either a rating (up, down, or 1 to 5) or --delete.\n", 2),
        (
            ("rate", "work", "1", "up", "--delete"),
            "Error: Give either a rating (up, down, or 1 to 5) or --delete.\n",
            2,
        ),
        (("rate", "work", "--note", "x"), "Error: Give the number of the exchange.\n", 2),
        (
            ("rate", "work", "1", "up", "--note", "x" * 2_001),
            "can have at most 2,000 characters; this one has 2,001.",
            1,
        ),
        (
            ("rate", "work", "1", "up", "--note", "\ud800"),
            "Error: The note is not valid UTF-8. Nothing was changed.\n",
            1,
        ),
        (("bookmark", "work", "1"), "Error: Give either a label or --delete.\n", 2),
        (("bookmark", "work", "--delete"), "Error: Give the number of the exchange.\n", 2),
        (("bookmark", "work", "1", " "), "can't be a label. Use 1 to 100 printable characters.\n", 1),
        (("bookmark", "work", "1", "a\x1bb"), "Error: “a␛b” can't be a label.", 1),
        (("bookmark", "work", "1", "--delete"), "Exchange #1 of “work” has no bookmark.", 1),
    ],
)
def test_invalid_ratings_and_bookmarks(llm_: Command, words: tuple[str, ...], error: str, code: int) -> None:
    """A wrong mark, number, label or combination of options changes nothing, and the error says what to do."""
    done = llm_("sessions", *words)
    assert done.code == code
    assert error in done.err
    assert llm_("sessions", "rate", "work").ok().out == "Session “work” has no ratings.\n"
    assert llm_("sessions", "bookmark", "work").ok().out == "Session “work” has no bookmarks.\n"


def test_the_transcript_shows_them(llm_: Command) -> None:
    """In Markdown the mark is in the heading, label and reason are in the text. JSON has all. All of it is safe."""
    llm_("sessions", "rate", "work", "1", "5", "--note", "clear\x1b[2J").ok()
    llm_("sessions", "bookmark", "work", "1", "Start").ok()
    shown = llm_("sessions", "show", "work").ok().out
    heading = shown.split("## #1")[1].split("\n")[0]
    assert heading.endswith(" · rated 5 of 5")
    assert "*Bookmark: Start*" in shown
    assert "*Reason for the rating:*\n\n> clear␛[2J" in shown
    (first, second) = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert (first["rating"]["mark"], first["rating"]["note"], first["bookmark"]) == ("5", "clear\x1b[2J", "Start")
    assert (second["rating"], second["bookmark"]) == (None, None)


def test_they_are_never_sent(llm_: Command, script: Script) -> None:
    """No model sees a rating or a label."""
    llm_("sessions", "rate", "work", "1", "down", "--note", "secret-reason").ok()
    llm_("sessions", "bookmark", "work", "1", "secret-label").ok()
    llm_("--session", "work", "And?").ok()
    sent = llm_("sessions", "context", "work", "And?", "--json").ok().out
    assert "secret" not in sent
    assert "secret" not in llm_("logs", "list", "--json").ok().out


def test_they_are_exported_and_imported(llm_: Command, log: Path, tmp_path: Path) -> None:
    """An export has them with their exchange and an import keeps them. The HTML page shows them."""
    llm_("sessions", "rate", "work", "2", "down", "--note", "<b>late</b>").ok()
    llm_("sessions", "bookmark", "work", "1", "Begin & go").ok()
    lines = content(log)
    assert lines[1]["bookmark"]["label"] == "Begin & go"
    assert (lines[2]["rating"]["mark"], lines[2]["rating"]["note"]) == ("down", "<b>late</b>")
    other = new_log(tmp_path / "other.db")
    import_lines(other, exported(log).splitlines())
    assert content(other) == lines
    assert "rated down" in exported(log, format_="markdown")
    page = exported(log, format_="html")
    assert "<span>rated down</span>" in page
    assert "<bdi>Begin &amp; go</bdi>" in page
    assert "&lt;b&gt;late" in page


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"rating": {"mark": "great"}}, "can't be a rating"),
        ({"rating": {}}, "has no “mark”"),
        ({"rating": "up"}, "an object"),
        ({"bookmark": {"label": ""}}, "can't be a label"),
        ({"rating": {"mark": "up", "rated_utc": "soon"}}, "a time such as"),
    ],
)
def test_a_file_with_an_invalid_rating_is_refused(tmp_path: Path, llm_: Command, said: object, error: str) -> None:
    """An invalid rating or label in a file refuses the whole file, with the line."""
    file = tmp_path / "bad.jsonl"
    turn = {"input": [{"role": "user", "parts": [{"type": "text", "text": "Hi"}]}], "output": []}
    assert isinstance(said, dict)
    line = {"exchange": 1, "turns": [turn], **said}
    file.write_text(json.dumps({"format": "llm-session", "version": 1, "name": "bad"}) + "\n" + json.dumps(line))
    done = llm_("sessions", "import", str(file))
    assert done.code == 1
    assert "Line 2 of bad.jsonl" in done.err
    assert error in done.err
    assert "bad" not in llm_("sessions", "list").ok().out


def test_a_log_of_an_older_version(llm_: Command, tmp_path: Path) -> None:
    """A log whose tables are of an older version has no ratings. The first rating brings it up to date."""
    log = tmp_path / "older.db"
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, Said("One"))
    llm_("sessions", "name", thread, "old", "-d", str(log)).ok()
    with LogBuilder(log) as built:
        built.db.execute("drop table memory_ratings")
        built.db.execute("drop table memory_bookmarks")
        built.db.execute("delete from _sqlite_migrations where name = '003_ratings'")
        built.db.conn.commit()
    at = ("-d", str(log))
    assert llm_("sessions", "rate", "old", *at).ok().out == "Session “old” has no ratings.\n"
    assert "One" in llm_("sessions", "show", "old", *at).ok().out
    assert llm_("sessions", "rate", "old", "1", "up", *at).ok().out == "#1 up\n"
    assert llm_("sessions", "bookmark", "old", "1", "First", *at).ok().out == "#1 First\n"

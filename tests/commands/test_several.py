"""Several sessions at once: names, `--all-matching` with the filters of `list`, one transaction, `--dry-run`."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Command
from tests.store.world import contents
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="three", autouse=True)
@once
def _three(llm_: Command, script: Script) -> None:
    """Three sessions, the most recently used last: work (bridge), play (bridge, old), rest with another model."""
    for name, model in (("work", "scripted"), ("play", "scripted"), ("rest", "other")):
        llm_("-m", model, "--session", name, "Hello").ok()
    llm_("sessions", "tag", "work", "bridge").ok()
    llm_("sessions", "tag", "play", "bridge", "old").ok()


def _tags(llm_: Command) -> dict[str, list[str]]:
    return {line["name"]: line["tags"] for line in json.loads(llm_("sessions", "--json").ok().out)}


@pytest.mark.parametrize(
    ("words", "lines", "last"),
    [
        (("-s", "work", "-s", "REST", "new"), ["work: bridge, new", "rest: new"], "Changed 2 sessions.\n"),
        (
            ("--all-matching", "--tag", "bridge", "old"),
            ["play: bridge, old", "work: bridge, old"],
            "Changed 1 of 2 sessions.\n",
        ),
        (("--all-matching", "-m", "other", "old"), ["rest: old"], "Changed 1 session.\n"),
        (
            ("--all-matching", "--since", "2026", "--delete", "OLD"),
            ["rest: no tags", "play: bridge", "work: bridge"],
            "Changed 1 of 3 sessions.\n",
        ),
    ],
    ids=str,
)
def test_several_sessions_are_tagged(
    llm_: Command, log: Path, words: tuple[str, ...], lines: list[str], last: str
) -> None:
    """Tags are added to, or deleted from, all chosen sessions. A dry run prints the same and changes nothing."""
    before = contents(log)
    dry = llm_("sessions", "tag", *words, "--dry-run").ok()
    assert (
        dry.err
        == f"Dry run: {last.removeprefix('Changed ').removesuffix('.' + chr(10))} would change. Nothing was changed.\n"
    )
    assert contents(log) == before
    done = llm_("sessions", "tag", *words).ok()
    assert (done.out.splitlines(), done.err) == (lines, last)
    assert dry.out == done.out
    assert {f"{name}: {', '.join(tags) or 'no tags'}" for name, tags in _tags(llm_).items()} >= set(lines)


def test_several_sessions_as_json(llm_: Command) -> None:
    """--json has a list of sessions if several are chosen, even if only one matches; without TAGs nothing changes."""
    out = llm_("sessions", "tag", "--all-matching", "--tag", "old", "--json").ok().out
    assert json.loads(out) == [{"name": "play", "tags": ["bridge", "old"]}]


@pytest.mark.parametrize(
    ("words", "error", "code"),
    [
        (("-s", "work", "-s", "wrok", "new"), "Session “wrok” not found. Did you mean “work”?", 1),
        (("-s", "work", "-s", "rest", "new", "x" * 61), "can't be a tag", 1),
        (("-s", "work", "-s", "rest", "--delete", "old"), "No selected session has the tag “old”.", 1),
        (("--all-matching", "--tag", "nowhere", "new"), "No session matches. List sessions with: llm sessions", 1),
        (
            ("--all-matching", "new"),
            "--all-matching needs a filter, such as --tag TAG. For all sessions, add --all.",
            2,
        ),
        (("work", "--tag", "bridge", "new"), "Filters choose sessions only together with --all-matching.", 2),
        (("-s", "work", "--all-matching", "--tag", "old"), "Give names, or --all-matching with filters, not both.", 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_changes_nothing(llm_: Command, log: Path, words: tuple[str, ...], error: str, code: int) -> None:
    """An unknown name, a wrong tag, or a choice that is unclear is an error, and no session is changed."""
    before = contents(log)
    done = llm_("sessions", "tag", *words)
    assert error in done.err
    assert (done.out, done.code) == ("", code)
    assert contents(log) == before


def _settings(llm_: Command, name: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in llm_("sessions", "set", name).ok().out.splitlines())


def test_several_sessions_are_set(llm_: Command, log: Path) -> None:
    """The settings of all chosen sessions change together. A dry run prints the same lines and changes nothing."""
    words = ("sessions", "set", "work", "rest", "-m", "other", "--meta", "client", "harbour", "--budget-usd", "2")
    before = contents(log)
    dry = llm_(*words, "--dry-run").ok()
    assert contents(log) == before
    done = llm_(*words).ok()
    assert dry.out == done.out
    assert done.out.splitlines() == [
        "work: model scripted → other; may cost none → $2.00; meta none → client=harbour",
        "rest: may cost none → $2.00; meta none → client=harbour",
    ]
    assert dry.err.endswith("\nDry run: 2 sessions would change. Nothing was changed.\n")
    assert done.err.startswith("The budget has no effect for now: ")
    assert done.err.endswith("\nChanged 2 sessions.\n")
    assert [_settings(llm_, name)["model"] for name in ("work", "play", "rest")] == ["other", "scripted", "other"]


def test_filters_and_settings_of_the_same_name(llm_: Command) -> None:
    """`set` changes the model with --model, and chooses sessions by their model with --with-model."""
    words = ("sessions", "set", "--all-matching", "--with-model", "scripted", "--tag", "old", "--model", "other")
    assert llm_(*words).ok().out == "play: model scripted → other\n"
    llm_("sessions", "set", "rest", "--meta", "client", "city").ok()
    done = llm_("sessions", "set", "--all-matching", "--with-meta", "client=city", "--meta", "client", "").ok()
    assert done.out == "rest: meta client=city → none\n"


def test_set_without_settings_shows_each_session(llm_: Command, log: Path) -> None:
    """Without settings, `set` shows those of every chosen session, and changes nothing."""
    before = contents(log)
    both = llm_("sessions", "set", "work", "play").ok().out
    assert both == "\n".join(llm_("sessions", "set", name).ok().out for name in ("work", "play"))
    assert contents(log) == before


def test_a_setting_that_one_session_refuses_changes_no_session(llm_: Command, log: Path) -> None:
    """If a setting is wrong for one of the sessions, no session is changed."""
    llm_("sessions", "set", "rest", "-m", "echo").ok()
    before = contents(log)
    done = llm_("sessions", "set", "work", "rest", "-o", "mood", "glad")
    assert "echo does not accept these options" in done.err
    assert (done.out, done.code) == ("", 1)
    assert contents(log) == before


# -- export --------------------------------------------------------------------


def _files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(("format_", "ending"), [("jsonl", "jsonl"), ("markdown", "md"), ("html", "html")])
def test_several_sessions_are_exported(llm_: Command, tmp_path: Path, format_: str, ending: str) -> None:
    """Each session gets a file of its own, the same as if it was exported alone. A dry run names the same files."""
    llm_("sessions", "rename", "rest", "a: b?").ok()
    to = tmp_path / "new" / "folder"
    words = ("sessions", "export", "work", "a: b?", "--format", format_, "--to", str(to))
    dry = llm_(*words, "--dry-run").ok()
    assert not to.exists()
    done = llm_(*words).ok()
    lines = [f"{to / name}.{ending}: 1 exchange" for name in ("work", "a_ b_")]
    assert (dry.out.splitlines(), done.out.splitlines()) == (lines, [f"Wrote {line}" for line in lines])
    assert [*_files(to)] == [f"a_ b_.{ending}", f"work.{ending}"]
    llm_("sessions", "export", "work", str(tmp_path / "alone"), "--format", format_).ok()
    texts = _files(to)[f"work.{ending}"], (tmp_path / "alone").read_text("utf-8")
    assert len({re.sub(r"\d\d:\d\d:\d\d[.\d]*", "", text) for text in texts}) == 1


def test_exports_are_all_or_none(llm_: Command, tmp_path: Path) -> None:
    """If a file exists, nothing is written, unless --force replaces it."""
    words = ("sessions", "export", "--all-matching", "--tag", "bridge", "--to", str(tmp_path / "to"))
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "work.jsonl").write_text("mine")
    done = llm_(*words)
    error = f"Error: {tmp_path / 'to' / 'work.jsonl'} already exists. Choose another folder, or replace the files with"
    assert (done.err, done.out, done.code) == (f"{error} --force.\n", "", 1)
    assert _files(tmp_path / "to") == {"work.jsonl": "mine"}
    llm_(*words, "--force").ok()
    assert [*_files(tmp_path / "to")] == ["play.jsonl", "work.jsonl"]
    assert "mine" not in _files(tmp_path / "to")["work.jsonl"]


def test_a_session_that_fails_leaves_no_file(llm_: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If one of the files can't be written, there is none of them, and a new folder is gone again."""
    real = os.open

    def full(path: Any, *rest: Any) -> int:
        if "play" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, *rest)

    monkeypatch.setattr(os, "open", full)
    done = llm_("sessions", "export", "work", "play", "--to", str(tmp_path / "to"))
    assert done.err.endswith("No space left on device. Free some space, or choose another file. Nothing was written.\n")
    assert (done.code, (tmp_path / "to").exists()) == (1, False)


def test_several_sessions_to_standard_output(llm_: Command) -> None:
    """`--to -` writes the sessions one after the other."""
    out = llm_("sessions", "export", "work", "play", "--to", "-").ok().out
    assert [line["name"] for line in map(json.loads, out.splitlines()) if "format" in line] == ["work", "play"]
    done = llm_("sessions", "export", "work", "play", "--to", "-", "--format", "html")
    assert done.err == "Error: Several HTML pages can't go to standard output. Give a folder: --to FOLDER.\n"


@pytest.mark.parametrize(
    "words", [("work", "play", "rest"), ("--all-matching", "--tag", "old"), ("work", "--dry-run")], ids=" ".join
)
def test_several_sessions_need_a_folder(llm_: Command, words: tuple[str, ...]) -> None:
    """Without a folder for several sessions, the error says how to give one."""
    done = llm_("sessions", "export", *words)
    assert "Error: To export several sessions, give a folder: --to FOLDER, or a file: --to FILE.csv.\n" in done.err
    assert done.code == 2

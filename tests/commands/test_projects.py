"""`llm sessions project`, and `set --project` and `--template`."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from llm.cli import cli

from llm_session_memory import Memory
from llm_session_memory.model import Settings
from tests.conftest import Command
from tests.llm_seam.test_settings import VALUES, typed
from tests.world.once import once
from tests.world.scripted import Script


@pytest.fixture(name="bridge")
@once
def _bridge(llm_: Command, script: Script) -> Script:
    """A project `Bridge` with two sessions, and a session `letter` in no project."""
    llm_("sessions", "project", "Bridge", "-m", "scripted", "-s", "Be brief.").ok()
    for name in ("railing", "pillar"):
        llm_("--session", name, "--project", "bridge", "Hello").ok()
    llm_("--session", "letter", "-m", "scripted", "Hello").ok()
    return script


def test_a_project_can_be_the_first_thing_in_a_log(llm_: Command, script: Script, log: Path) -> None:
    """`project` makes the log if there is none; each setting has an option, which `default` removes again."""
    done = llm_("sessions", "project", "bridge", *typed(**VALUES)).ok()
    assert done.err == "Created project “bridge”.\n"
    assert done.out.splitlines()[:3] == ["project  bridge", "model    scripted", "system   Be brief."]
    with Memory(log) as memory:
        assert memory.projects.get("bridge").settings == Settings(**VALUES)
    (listed,) = json.loads(llm_("sessions", "project", "--json").ok().out)
    assert {one.name: listed[one.name] for one in fields(Settings)} == VALUES
    llm_("sessions", "project", "bridge", "-m", "default", "-s", "", "--memory", "default").ok()
    with Memory(log) as memory:
        settings = memory.projects.get("bridge").settings
    assert (settings.model, settings.system, settings.memory, settings.think) == (None, None, None, "keep")


def test_a_project_is_shown_with_its_sessions(llm_: Command, bridge: Script) -> None:
    """With only its name, a project is shown with its sessions, newest use first."""
    assert llm_("sessions", "project", "BRIDGE").ok().out.startswith("project  Bridge\nmodel    scripted\n")
    shown = [
        line.split()[0] for line in llm_("sessions", "project", "bridge").ok().out.splitlines() if "scripted" in line
    ]
    assert shown == ["model", "pillar", "railing"]
    whole = json.loads(llm_("sessions", "project", "bridge", "--json").ok().out)
    assert (whole["sessions"], whole["session_names"]) == (2, ["pillar", "railing"])
    line = llm_("sessions", "project").ok().out.splitlines()[1].split()
    assert line[:3] == ["Bridge", "2", "scripted"]


def test_changed_defaults_are_for_new_sessions(llm_: Command, bridge: Script) -> None:
    """Sessions keep their settings, and the command says so, with the one that would change them."""
    done = llm_("sessions", "project", "bridge", "-s", "Be bold.").ok()
    change = "llm sessions set --all-matching --with-project Bridge"
    assert done.err == f"Its 2 sessions keep their settings. To change them too: {change} ...\n"
    for name in ("railing", "walkway"):
        llm_("--session", name, "--project", "bridge", "Again").ok()
    assert bridge.systems[-2:] == ["Be brief.", "Be bold."]
    llm_(*change.split()[1:], "-s", "Be bold.").ok()
    llm_("--session", "railing", "Again").ok()
    assert bridge.systems[-1] == "Be bold."


def test_a_renamed_and_a_deleted_project(llm_: Command, bridge: Script) -> None:
    """Renaming keeps the sessions; deleting asks nothing, and leaves them without a project."""
    done = llm_("sessions", "project", "bridge", "--rename", "Ponte", "--memory", "window").ok()
    assert done.err.startswith("Renamed “Bridge” to “Ponte”.\n")
    assert json.loads(llm_("sessions", "project", "ponte", "--json").ok().out)["memory"] == "window"
    assert len(json.loads(llm_("sessions", "list", "--project", "ponte", "--json").ok().out)) == 2
    deleted = llm_("sessions", "project", "ponte", "--delete").ok()
    assert deleted.out == "Deleted project “Ponte”. Its 2 sessions stay, without a project.\n"
    assert [one["project"] for one in json.loads(llm_("sessions", "list", "--json").ok().out)] == [None] * 3
    assert "No projects yet" in llm_("sessions", "project").ok().err


def test_a_budget_of_a_project_holds_for_its_sessions(llm_: Command, bridge: Script) -> None:
    """`--budget-usd` limits what all sessions of a project cost together."""
    out = llm_("sessions", "project", "bridge", "--budget-usd", "2").ok().out
    assert "cost     at most $2.00 for all sessions; so far unknown\n" in out
    assert "cost" not in llm_("sessions", "project", "bridge", "--budget-usd", "none").ok().out


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("brigde",), "Project “brigde” not found. Did you mean “Bridge”? List projects with: llm sessions project"),
        (("brigde", "--rename", "x"), "Project “brigde” not found. Did you mean “Bridge”?"),
        (("brigde", "--delete"), "Project “brigde” not found. Did you mean “Bridge”?"),
        (("bridge", "--new"), "Project “bridge” already exists."),
        (("bridge", "-m", "gone"), "Model “gone” not found."),
        (("bridge", "--max-context-tokens", "0"), "A budget must be at least 1 token."),
        (("bridge", "--rename", "none"), "A project can't be called “none”, because that means no project."),
        (("a/b", "--new"), "The project name “a/b” contains a “/”."),
        (("--new",), "Which project? Give its name."),
        (("bridge", "--list"), "--list lists all projects: omit the name."),
        (("bridge", "--delete", "-m", "scripted"), "--delete can't be combined with a change."),
        (("x", "--new", "--rename", "y"), "--new and --rename can't be combined: --new creates a project."),
    ],
    ids=" ".join,
)
def test_what_does_not_work_changes_nothing(llm_: Command, bridge: Script, words: tuple[str, ...], error: str) -> None:
    """Each error says what happened, and leaves the projects as they were."""
    before = llm_("sessions", "project", "--json").ok().out
    done = llm_("sessions", "project", *words)
    assert f"Error: {error}" in done.err
    assert (done.code > 0, llm_("sessions", "project", "--json").ok().out) == (True, before)


def test_a_name_that_seems_mistyped_is_doubted(llm_: Command, bridge: Script) -> None:
    """A new project whose name is nearly that of another is created, with a doubt, as sessions are."""
    done = llm_("sessions", "project", "brigde", "-m", "scripted").ok()
    assert done.err == "Created project “brigde” (did you mean “Bridge”?).\n"


# -- set ---------------------------------------------------------------------


def test_set_moves_sessions(llm_: Command, bridge: Script) -> None:
    """`set --project` moves one session or several and changes no setting; `none` takes it out of its project."""
    out = llm_("sessions", "set", "letter", "--project", "bridge").ok().out
    assert ("project  Bridge\n" in out, "system   none\n" in out) == (True, True)
    many = llm_("sessions", "set", "--all-matching", "--with-project", "bridge", "--project", "none").ok().out
    assert sorted(many.splitlines()) == [f"{name}: project Bridge → none" for name in ("letter", "pillar", "railing")]
    assert "project" not in llm_("sessions", "set", "letter").ok().out
    done = llm_("sessions", "set", "letter", "--project", "brigde", "-s", "Be bold.")
    hint = "Did you mean “Bridge”? Create it with: llm sessions project brigde --new"
    assert (done.err, done.code) == (f"Error: Project “brigde” not found. {hint}\n", 1)
    assert "system   none\n" in llm_("sessions", "set", "letter").ok().out


def test_set_takes_the_settings_of_a_template(llm_: Command, bridge: Script, home: Path) -> None:
    """`set --template` takes model, system prompt and options from a template; what is typed comes first."""
    llm_("-m", "other", "-s", "Be $tone.", "-o", "mood", "glad", "--save", "toned").ok()
    toned = ("--template", "toned", "-p", "tone", "kind")
    out = llm_("sessions", "set", "letter", *toned, "-o", "mood", "sad", "-o", "num_predict", "5").ok().out
    assert out.splitlines()[1:4] == ["model    other", "system   Be kind.", "options  num_predict=5 mood=sad"]
    assert out.splitlines()[-1] == "template toned"
    assert '"template": "toned"' in llm_("sessions", "list", "--template", "toned", "--json").ok().out
    forgotten = llm_("sessions", "set", "letter", "--template", "none").ok().out
    assert forgotten == "".join(f"{line}\n" for line in out.splitlines()[:-1])
    (home / "templates" / "toned.yaml").unlink()
    assert llm_("sessions", "set", "letter", *toned).code == 1


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("system: Be $tone.", "has variables without a value: tone. Give each a value: -p tone VALUE\n"),
        (
            "system: 'Say $input'",
            "contains $input, which only a prompt has. Give the system prompt with -s instead.\n",
        ),
        ("model: gone", "Model “gone” not found."),
        ("options:\n  mood: [1]", "scripted does not accept these options: mood:"),
        ("system_fragments: [nowhere]", "was not found: Fragment 'nowhere' not found."),
        ("colour: blue", "could not be loaded:"),
    ],
)
def test_a_template_that_does_not_fit_changes_nothing(
    llm_: Command, bridge: Script, home: Path, template: str, error: str
) -> None:
    """An error about a template says what is wrong, and the session stays as it was."""
    (home / "templates").mkdir()
    (home / "templates" / "odd.yaml").write_text(template, encoding="utf-8")
    before = llm_("sessions", "set", "letter").ok().out
    done = llm_("sessions", "set", "letter", "--template", "odd")
    assert error in done.err
    assert (done.code, llm_("sessions", "set", "letter").ok().out) == (1, before)


def test_a_template_with_defaults_and_fragments(llm_: Command, bridge: Script, home: Path) -> None:
    """The variables' defaults and the fragments of the system prompt are used, as in a prompt."""
    (home / "templates").mkdir()
    (home / "rule.txt").write_text("Say please.", encoding="utf-8")
    text = "system: Be $tone.\nprompt: 'About $topic: $input'\ndefaults:\n  tone: kind\n"
    text += f"system_fragments: ['{home}/rule.txt']\n"
    (home / "templates" / "whole.yaml").write_text(text, encoding="utf-8")
    llm_("sessions", "set", "letter", "--template", "whole").ok()
    llm_("--session", "letter", "Again").ok()
    llm_("-m", "scripted", "-t", "whole", "-p", "topic", "tea", "Again").ok()
    assert bridge.systems[-2] == bridge.systems[-1] != ""


# -- by project --------------------------------------------------------------


def test_search_statistics_and_queries_by_project(llm_: Command, bridge: Script) -> None:
    """Each can be limited to a project; an unknown one is an error that suggests a similar name."""
    hits = json.loads(llm_("sessions", "search", "hello", "--project", "bridge", "--json").ok().out)
    assert sorted(hit["session"] for hit in hits) == ["pillar", "railing"]
    (none,) = json.loads(llm_("sessions", "search", "hello", "--project", "none", "--json").ok().out)
    assert none["session"] == "letter"
    assert json.loads(llm_("sessions", "stats", "--project", "bridge", "--json").ok().out)["totals"]["calls"] == 2
    (line,) = json.loads(llm_("sessions", "query", "tokens_by_model", "--project", "bridge", "--json").ok().out)
    assert line["calls"] == 2
    for words in (("search", "hello"), ("stats",), ("query", "tokens_by_model"), ("list",)):
        done = llm_("sessions", *words, "--project", "brigde")
        assert (done.code, "Did you mean “Bridge”?" in done.err) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        "prompt --project",
        "sessions project",
        "sessions list --project",
        "sessions set letter --project",
        "chat --project",
    ],
)
def test_names_are_completed(llm_: Command, bridge: Script, words: str) -> None:
    """The shell completes project names, without case."""
    completing = ShellComplete(cli, {}, "llm", "_LLM_COMPLETE")
    assert [one.value for one in completing.get_completions(words.split(), "br")] == ["Bridge"]


def test_a_log_that_was_named_and_is_not_there_is_an_error(llm_: Command, tmp_path: Path) -> None:
    """`project -d` with a file that does not exist says so, and makes none."""
    missing = tmp_path / "nosuch.db"
    done = llm_("sessions", "project", "-d", str(missing))
    assert (done.code, f"There is no log at {missing} yet." in done.err, missing.exists()) == (1, True, False)

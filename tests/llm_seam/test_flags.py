"""The effect of each flag in a session: as a default when it is created, for one prompt later, or not at all."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from llm.cli import cli

from tests.conftest import Command
from tests.world.scripted import Script

PROMPT_USAGE = "Usage: llm prompt [OPTIONS] [PROMPT]\nTry 'llm prompt --help' for help.\n\n"
CHAT_USAGE = "Usage: llm chat [OPTIONS]\nTry 'llm chat --help' for help.\n\n"


@pytest.fixture(name="llm_")
def _llm(llm_: Command) -> Command:
    """The same command, named in usage texts as a person would call it."""

    def run(*arguments: str, input: str = "") -> Any:  # noqa: A002  as the fixture calls it
        done = llm_(*arguments, input=input)
        return type(done)(
            done.out, done.err.replace("cli prompt", "llm prompt").replace("cli chat", "llm chat"), done.code
        )

    return run


def _shown(llm_: Command, name: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(llm_("sessions", "show", name, "--json").ok().out)
    return shown


def _prompts(llm_: Command, name: str) -> list[str]:
    return [exchange["prompt"] for exchange in _shown(llm_, name)["exchanges"]]


# -- which conversation ---------------------------------------------------


@pytest.mark.parametrize("ours", [("--session", "work"), ("--new-session",)], ids=["session", "new-session"])
@pytest.mark.parametrize(
    ("command", "other", "flag"),
    [
        (("prompt", "Hi"), ("-c",), "-c"),
        (("prompt", "Hi"), ("--cid", "01abc"), "--cid"),
        (("chat",), ("-c",), "-c"),
        (("chat",), ("--cid", "01abc"), "--cid"),
    ],
    ids=["prompt -c", "prompt --cid", "chat -c", "chat --cid"],
)
def test_two_conversations_at_once_are_an_error(  # noqa: PLR0913  two tables of cases
    llm_: Command,
    script: Script,
    ours: tuple[str, ...],
    command: tuple[str, ...],
    other: tuple[str, ...],
    flag: str,
) -> None:
    """`--session` or `--new-session` with -c or --cid is an error that names both; nothing is sent."""
    done = llm_(*command, "-m", "scripted", *ours, *other)
    usage = PROMPT_USAGE if command[0] == "prompt" else CHAT_USAGE
    sentence = f"Error: {ours[0]} and {flag} can't be combined: both choose which conversation to continue.\n"
    assert (done.out, done.err, done.code) == ("", usage + sentence, 2)
    assert script.seen == []


def test_c_and_cid_take_precedence_over_the_environment(
    llm_: Command, script: Script, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the session comes from LLM_SESSION, -c and --cid take precedence and the session is unchanged."""
    llm_("-m", "scripted", "--session", "work", "In the session").ok()
    llm_("-m", "scripted", "Elsewhere").ok()
    with sqlite3.connect(log) as database:
        elsewhere = database.execute("select thread_id from turns order by id desc").fetchone()[0]
    monkeypatch.setenv("LLM_SESSION", "work")
    for flags in (("-c",), ("--cid", elsewhere)):
        llm_(*flags, "More").ok()
        assert script.texts()[0] == ("user", "Elsewhere")
    llm_("chat", "--cid", elsewhere, input="More\nquit\n").ok()
    assert script.texts()[0] == ("user", "Elsewhere")
    assert _prompts(llm_, "work") == ["In the session"]


def test_new_session_keeps_the_old_one_under_another_name(llm_: Command, script: Script) -> None:
    """`--new-session` starts over under the same name and settings. The old sessions stay, as work~1, work~2."""
    llm_("-m", "scripted", "-s", "Be brief.", "-o", "mood", "glad", "--session", "work", "First").ok()
    second = llm_("--session", "work", "--new-session", "Second").ok()
    third = llm_("--session", "work", "--new-session", "Third").ok()
    assert second.err == "session work: started over with scripted; the old one is now work~1\n"
    assert third.err == "session work: started over with scripted; the old one is now work~2\n"
    assert script.texts() == [("system", "Be brief."), ("user", "Third")]
    assert script.options[-1] == {"num_predict": None, "mood": "glad"}
    assert [_prompts(llm_, name) for name in ("work", "work~1", "work~2")] == [["Third"], ["First"], ["Second"]]


def test_new_session_with_a_new_name_creates_it(llm_: Command, script: Script) -> None:
    """`--new-session` with a new name simply creates the session."""
    done = llm_("-m", "scripted", "--session", "work", "--new-session", "First").ok()
    assert done.err == "session work: created with scripted\n"


def test_new_session_without_a_name_generates_one(llm_: Command, script: Script) -> None:
    """`--new-session` alone creates a session with a readable name and reports that name."""
    done = llm_("-m", "scripted", "--new-session", "First").ok()
    told = re.fullmatch(r"session ([a-z]+-[a-z]+): created with scripted\n", done.err)
    assert told
    assert llm_("--session", told[1], "Second").ok().err == ""
    assert script.texts() == [("user", "First"), ("assistant", "Noted."), ("user", "Second")]


def test_new_session_in_a_chat_starts_over_once(llm_: Command, script: Script) -> None:
    """A chat with --new-session starts over only at its first prompt; the rest of the chat continues."""
    llm_("-m", "scripted", "--session", "work", "Old").ok()
    done = llm_("chat", "--session", "work", "--new-session", input="One\nTwo\nquit\n").ok()
    assert done.err == "session work: started over with scripted; the old one is now work~1\n"
    assert _prompts(llm_, "work") == ["One", "Two"]
    assert script.texts() == [("user", "One"), ("assistant", "Noted."), ("user", "Two")]


# -- what is recorded, and where -------------------------------------------


def test_n_reads_the_session_and_records_nothing(llm_: Command, script: Script, log: Path) -> None:
    """With -n, the session's history is sent but the prompt is not recorded: the log's tables stay unchanged."""
    llm_("-m", "scripted", "-s", "Be brief.", "--session", "work", "First").ok()
    with sqlite3.connect(log) as database:
        before = list(database.iterdump())
    assert llm_("--session", "work", "-n", "Second").ok().err == ""
    assert script.texts()[-3:] == [("user", "First"), ("assistant", "Noted."), ("user", "Second")]
    with sqlite3.connect(log) as database:
        assert list(database.iterdump()) == before


def test_n_without_a_session_says_so(llm_: Command, script: Script) -> None:
    """With -n, a missing session is not created: the prompt is sent alone, and stderr says why."""
    done = llm_("-m", "scripted", "--session", "work", "-n", "First").ok()
    assert done.err == "session work: does not exist, and -n records nothing; sent without history\n"
    assert script.texts() == [("user", "First")]
    assert llm_("sessions", "list", "--json").ok().out == "[]\n"


def test_a_session_is_recorded_though_logging_is_off(llm_: Command, script: Script) -> None:
    """With `llm logs off`, a session's prompts are still recorded and others are not."""
    llm_("logs", "off").ok()
    llm_("-m", "scripted", "--session", "work", "First").ok()
    llm_("--session", "work", "Second", "--async").ok()
    llm_("-m", "scripted", "Elsewhere").ok()
    assert _prompts(llm_, "work") == ["First", "Second"]
    assert "Elsewhere" not in llm_("logs", "list", "-n", "0").ok().out


def test_every_command_uses_the_log_given_by_d(llm_: Command, script: Script, home: Path, log: Path) -> None:
    """With -d FILE every command uses that file, and llm's own log is not even created."""
    other = str(home / "other.db")
    llm_("-m", "scripted", "-d", other, "--session", "work", "First").ok()
    llm_("chat", "-d", other, "--session", "work", input="Second\nquit\n").ok()
    assert llm_("sessions", "list", "-d", other).ok().out.splitlines()[1].startswith("work    scripted            2 ")
    assert llm_("sessions", "-d", other).ok().out == llm_("sessions", "list", "-d", other).ok().out
    for command in (
        ("show", "work"),
        ("context", "work", "Third"),
        ("set", "work", "-s", "Be brief."),
        ("pin", "work", "1"),
        ("unpin", "work", "1"),
        ("rename", "work", "bridge"),
    ):
        llm_("sessions", *command, "-d", other).ok()
    script.replies = [ValueError("no")]
    llm_("-d", other, "--session", "bridge", "Fourth")
    script.replies = ["Yes."]
    assert llm_("sessions", "retry", "bridge", "-d", other).ok().out == "Yes.\n"
    assert not log.exists()


def test_save_needs_no_session(llm_: Command, script: Script, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--save sends nothing, so it can't be combined with --session. A session from LLM_SESSION is ignored."""
    done = llm_("-m", "scripted", "--session", "work", "--save", "brief", "-s", "Be brief.")
    assert done.err == (
        f"{PROMPT_USAGE}Error: --session and --save can't be combined: "
        "--save only stores a template and sends nothing.\n"
    )
    monkeypatch.setenv("LLM_SESSION", "work")
    llm_("-m", "scripted", "--save", "brief", "-s", "Be brief.").ok()
    assert (home / "templates" / "brief.yaml").read_text() == "model: scripted\nsystem: Be brief.\n"
    assert llm_("sessions", "list", "--json").ok().out == "[]\n"


# -- given at creation, given later ------------------------------------------

LATER = {
    "system": (("-s", "Be kind."), "system   Be brief."),
    "model": (("-m", "other"), "model    scripted"),
    "option": (("-o", "mood", "sad"), "options  mood=glad"),
    "budget": (("--max-context-tokens", "900"), "budget   2,000 tokens"),
    "policy": (("--memory", "window"), "memory   full"),
}


@pytest.mark.parametrize(("flags", "kept"), LATER.values(), ids=LATER)
def test_flags_are_defaults_at_creation_and_apply_once_later(
    llm_: Command, script: Script, flags: tuple[str, ...], kept: str
) -> None:
    """A flag given when a session is created becomes its default. Given later, it applies to that prompt only."""
    created = ("-m", "scripted", "-s", "Be brief.", "-o", "mood", "glad", "--max-context-tokens", "2000")
    llm_(*created, "--memory", "full", "--session", "work", "First").ok()
    before = llm_("sessions", "set", "work").ok().out
    assert before == (
        "session  work\n"
        "model    scripted\n"
        "system   Be brief.\n"
        "options  mood=glad\n"
        "budget   2,000 tokens\n"
        "memory   full\n"
    )
    assert kept in before
    llm_("--session", "work", *flags, "Second").ok()
    assert llm_("sessions", "set", "work").ok().out == before


def test_s_replaces_the_system_prompt_for_that_prompt(llm_: Command, script: Script) -> None:
    """-s on an existing session replaces the system prompt for that prompt only, for every kind of model plugin."""
    llm_("-m", "scripted", "-s", "Be brief.", "--session", "work", "First").ok()
    llm_("--session", "work", "-s", "Be kind.", "Second").ok()
    llm_("--session", "work", "Third").ok()
    assert script.systems == ["Be brief.", "Be kind.", "Be brief."]
    assert [script.texts(call)[0] for call in range(3)] == [
        ("system", "Be brief."),
        ("system", "Be kind."),
        ("system", "Be brief."),
    ]
    assert [role for role, _ in script.texts()] == ["system", *["user", "assistant"] * 2, "user"]


def test_s_applies_to_a_whole_chat(llm_: Command, script: Script) -> None:
    """-s given to a chat applies to that whole chat, but not to later prompts."""
    llm_("-m", "scripted", "-s", "Be brief.", "--session", "work", "First").ok()
    llm_("chat", "--session", "work", "-s", "Be kind.", input="Second\nThird\nquit\n").ok()
    llm_("--session", "work", "Fourth").ok()
    assert script.systems == ["Be brief.", "Be kind.", "Be kind.", "Be brief."]


def test_m_applies_to_that_prompt(llm_: Command, script: Script) -> None:
    """-m on an existing session uses another model for that prompt, with the same history."""
    llm_("-m", "scripted", "--session", "work", "First").ok()
    llm_("-m", "other", "--session", "work", "Second").ok()
    llm_("--session", "work", "Third").ok()
    models = [exchange["turns"][0]["model"] for exchange in _shown(llm_, "work")["exchanges"]]
    assert models == ["scripted", "other", "scripted"]
    assert [text for role, text in script.texts() if role == "user"] == ["First", "Second", "Third"]


def test_options_given_now_override_the_sessions(llm_: Command, script: Script) -> None:
    """-o on an existing session changes that option for that prompt and keeps the session's others."""
    llm_("-m", "scripted", "-o", "mood", "glad", "-o", "num_predict", "5", "--session", "work", "First").ok()
    llm_("--session", "work", "-o", "mood", "sad", "Second").ok()
    llm_("--session", "work", "Third").ok()
    assert [options["mood"] for options in script.options] == ["glad", "sad", "glad"]
    assert {options["num_predict"] for options in script.options} == {5}


def test_an_option_that_another_model_lacks_is_left_out(llm_: Command, script: Script) -> None:
    """With -m, those of the session's options that the other model has are sent."""
    llm_("-m", "scripted", "-o", "mood", "glad", "--session", "work", "First").ok()
    assert '"prompt": "Second"' in llm_("-m", "echo", "--session", "work", "Second").ok().out


def test_an_option_that_is_wrong_makes_no_session(llm_: Command, script: Script) -> None:
    """An option that the model refuses causes llm's own error, and no session is created."""
    done = llm_("-m", "scripted", "-o", "num_predict", "many", "--session", "work", "First")
    plain = llm_("-m", "scripted", "-o", "num_predict", "many", "First")
    assert (done.err, done.code) == (plain.err, 1)
    assert llm_("sessions", "list", "--json").ok().out == "[]\n"


def test_a_template_sets_model_system_prompt_and_options(llm_: Command, script: Script) -> None:
    """-t sets a new session's model, system prompt and options; in an existing one they apply to that prompt only."""
    llm_("-m", "scripted", "-s", "Be brief.", "-o", "mood", "glad", "--save", "brief").ok()
    llm_("-m", "other", "-s", "Be $tone.", "--save", "toned").ok()
    told = "session work: created with scripted from template brief\n"
    assert llm_("--session", "work", "-t", "brief", "First").ok().err == told
    assert llm_("--session", "work", "Second").ok().err == ""
    llm_("--session", "work", "-t", "toned", "-p", "tone", "kind", "Third").ok()
    llm_("--session", "work", "Fourth").ok()
    assert script.systems == ["Be brief.", "Be brief.", "Be kind.", "Be brief."]
    models = [exchange["turns"][0]["model"] for exchange in _shown(llm_, "work")["exchanges"]]
    assert models == ["scripted", "scripted", "other", "scripted"]
    assert {options["mood"] for options in script.options} == {"glad"}


def test_q_finds_a_model(llm_: Command, script: Script) -> None:
    """-q finds the model for a session as for any prompt."""
    assert (
        llm_("-q", "prefixed", "--session", "work", "First").ok().err == "session work: created with ollama/prefixed\n"
    )


# -- budget and policy ---------------------------------------------------------


@pytest.mark.parametrize("command", ["prompt", "chat"])
@pytest.mark.parametrize(("flag", "value"), [("--max-context-tokens", "100"), ("--memory", "full")])
def test_budget_and_policy_need_a_session(llm_: Command, script: Script, command: str, flag: str, value: str) -> None:
    """--max-context-tokens and --memory without a session are an error, because they would do nothing."""
    done = llm_(command, flag, value)
    usage = PROMPT_USAGE if command == "prompt" else CHAT_USAGE
    assert done.err == f"{usage}Error: {flag} needs a session: add --session NAME (or --new-session).\n"
    assert done.code == 2


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (("--max-context-tokens", "0"), "0 is not in the range x>=1"),
        (("--max-context-tokens", "many"), "'many' is not a valid integer range"),
        (("--memory", "none"), "“none” is not one of: recall, window, summary, full or summary,recall."),
        (
            ("--memory", "window,recall"),
            "“window,recall” is not one of: recall, window, summary, full or summary,recall.",
        ),
        (("--recall-share", "0"), "0.0 is not in the range 0<x<1"),
        (("--recall-share", "1"), "1.0 is not in the range 0<x<1"),
    ],
)
def test_an_invalid_budget_or_policy_is_refused(
    llm_: Command, script: Script, flags: tuple[str, ...], complaint: str
) -> None:
    """A budget below 1 and an unknown policy are usage errors; nothing is sent."""
    done = llm_("-m", "scripted", "--session", "work", *flags, "First")
    assert complaint in done.err
    assert (done.code, script.seen) == (2, [])


def test_the_window_policy_sends_the_newest(llm_: Command, script: Script) -> None:
    """--memory window sends the newest exchanges that fit; the oldest stay in the log."""
    for text in ("First", "Second", "Third"):
        llm_("-m", "scripted", "--session", "work", f"{text} {'and so on ' * 30}").ok()
    llm_("--session", "work", "--max-context-tokens", "250", "Fourth").ok()
    assert [text.split()[0] for role, text in script.texts() if role == "user"] == ["Third", "Fourth"]
    assert len(_prompts(llm_, "work")) == 4


def test_the_full_policy_sends_everything_or_nothing(llm_: Command, script: Script) -> None:
    """--memory full sends the whole session, or fails with both figures if that exceeds the budget."""
    for text in ("First", "Second", "Third"):
        llm_("-m", "scripted", "--session", "work", "--memory", "full", f"{text} {'and so on ' * 30}").ok()
    assert [text.split()[0] for role, text in script.texts() if role == "user"] == ["First", "Second", "Third"]
    done = llm_("--session", "work", "--max-context-tokens", "250", "Fourth")
    assert re.fullmatch(
        r"Error: The whole session needs about \d{3} tokens, but the budget is 250\. Use --memory window for this "
        r"prompt, or raise the budget with --max-context-tokens or a larger num_ctx\.\n",
        done.err,
    )
    assert (done.code, len(script.seen)) == (1, 3)
    assert _shown(llm_, "work")["attempts"] == []


def test_a_prompt_over_budget_is_sent_with_system_prompt_and_pins(llm_: Command, script: Script) -> None:
    """A prompt that exceeds the budget by itself is sent with only the system prompt and the pins, and a warning."""
    for text in ("First", "Second"):
        llm_("-m", "scripted", "-s", "Be brief.", "--session", "work", text).ok()
    llm_("sessions", "pin", "work", "1").ok()
    done = llm_("--session", "work", "--max-context-tokens", "50", "Long " * 200).ok()
    assert re.fullmatch(
        r"session work: This prompt leaves no room for the conversation in the budget of 50 tokens\. Only the system "
        r"prompt and the pins are sent with it, about \d+ tokens in all\. See: llm sessions context work\n",
        done.err,
    )
    assert script.texts()[:-1] == [("system", "Be brief."), ("user", "First"), ("assistant", "Noted.")]
    llm_("--session", "work", "Third").ok()
    assert [text.split()[0] for role, text in script.texts() if role == "user"] == ["First", "Second", "Long", "Third"]


def test_n_with_new_session_starts_nothing_over(llm_: Command, script: Script, log: Path) -> None:
    """With -n, --new-session sends the prompt with the session's settings and no history, and changes nothing."""
    llm_("-m", "scripted", "-s", "Be brief.", "--session", "work", "One").ok()
    before = log.read_bytes()
    done = llm_("--session", "work", "--new-session", "-n", "Two").ok()
    assert done.err == "session work: not started over because -n records nothing; sent without history\n"
    assert script.texts() == [("system", "Be brief."), ("user", "Two")]
    assert log.read_bytes() == before


@pytest.mark.parametrize("name", ["prompt", "chat"])
def test_no_flag_of_ours_is_one_of_llms(name: str) -> None:
    """An option of the same name would take llm's away."""
    flags = [flag for param in cli.commands[name].params for flag in (*param.opts, *param.secondary_opts)]
    assert sorted(flags) == sorted({*flags})

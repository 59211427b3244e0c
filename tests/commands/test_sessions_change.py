"""`llm sessions set`, `rename`, `pin`, `unpin` and `name`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import llm
import pytest

from llm_session_memory.rules.safe_text import plain
from tests.conftest import Command
from tests.store.world import contents
from tests.world.logs import Call, LogBuilder, Said
from tests.world.once import once
from tests.world.scripted import Broken, Script

NAME_RULE = "A name has 1 to 200 printable characters, not only spaces, and no “/”.\n"


@pytest.fixture(name="work")
@once
def _work(llm_: Command, script: Script) -> Script:
    """A session `work` of four exchanges."""
    for word in ("One", "Two", "Three", "Four"):
        llm_("-m", "scripted", "--session", "work", "-s", "Be brief.", "-o", "mood", "glad", word).ok()
    return script


def _settings(llm_: Command, *flags: str) -> dict[str, str]:
    out = llm_("sessions", "set", "work", *flags).ok().out
    return dict(line.split(maxsplit=1) for line in out.splitlines())


# -- set ---------------------------------------------------------------------

AS_CREATED = {
    "session": "work",
    "model": "scripted",
    "system": "Be brief.",
    "options": "mood=glad",
    "budget": "64,000 tokens, or what fits the context window",
    "memory": "recall",
}


@pytest.mark.parametrize(
    ("flags", "changed"),
    [
        ((), {}),
        (("-m", "other"), {"model": "other"}),
        (("--model", "prefixed"), {"model": "ollama/prefixed"}),
        (("-s", "Be kind."), {"system": "Be kind."}),
        (("--system", ""), {"system": "none"}),
        (("-o", "num_predict", "5"), {"options": "mood=glad num_predict=5"}),
        (("-o", "mood", ""), {"options": "none"}),
        (("--max-context-tokens", "8,000"), {"budget": "8,000 tokens"}),
        (("--max-context-tokens", "8_000"), {"budget": "8,000 tokens"}),
        (("--memory", "full"), {"memory": "full"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_set_changes_what_it_says(llm_: Command, work: Script, flags: tuple[str, ...], changed: dict[str, str]) -> None:
    """`set` changes the settings given, keeps the others, and prints them all; without options it only prints."""
    settings = _settings(llm_, *flags)
    settings["options"] = " ".join(sorted(settings["options"].split()))
    assert settings == AS_CREATED | changed
    assert _settings(llm_)["session"] == "work"


def test_set_holds_from_the_next_prompt_on(llm_: Command, work: Script) -> None:
    """The next prompts use the new settings."""
    llm_("sessions", "set", "work", "-m", "other", "-s", "Be kind.", "-o", "mood", "sad").ok()
    for word in ("Five", "Six"):
        llm_("--session", "work", word).ok()
    assert work.systems[-2:] == ["Be kind.", "Be kind."]
    assert [options["mood"] for options in work.options[-2:]] == ["sad", "sad"]
    exchanges = json.loads(llm_("sessions", "show", "work", "-n", "2", "--json").ok().out)["exchanges"]
    assert [exchange["turns"][0]["model"] for exchange in exchanges] == ["other", "other"]
    assert [text for role, text in work.texts() if role == "user"] == ["One", "Two", "Three", "Four", "Five", "Six"]


def test_default_resets_a_setting(llm_: Command, work: Script) -> None:
    """`default` resets budget and policy to their defaults."""
    _settings(llm_, "--max-context-tokens", "900", "--memory", "full")
    assert _settings(llm_, "--max-context-tokens", "default", "--memory", "default") == AS_CREATED


GOOD = ("--meta", "client", "harbour", "-m", "other", "-s", "Be kind.", "--memory", "full", "--recall-share", "0.2")


@pytest.mark.parametrize(
    "wrong",
    [
        ("-m", "nosuch"),
        ("-o", "num_predict", "many"),
        ("--max-context-tokens", "0"),
        ("--max-context-tokens", "many"),
        ("--memory", "everything"),
        ("--recall-share", "2"),
        ("--recall-model", "nosuch"),
        ("--summary-model", "nosuch"),
        ("--meta", "a=b", "c"),
        ("--meta", "long", "x" * 1_001),
    ],
    ids=" ".join,
)
def test_set_changes_all_or_nothing(llm_: Command, work: Script, log: Path, wrong: tuple[str, ...]) -> None:
    """One wrong option leaves every table unchanged, whatever the other options are."""
    llm_("sessions", "set", "work", "--meta", "year", "2026").ok()
    before = contents(log)
    assert llm_("sessions", "set", "work", *GOOD, *wrong).code == 1
    assert contents(log) == before
    llm_("sessions", "set", "work", *GOOD).ok()
    changed = {table for table, rows in contents(log).items() if rows != before[table]}
    assert changed == {"memory_sessions", "memory_meta", "memory_changes"}


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (
            ("-m", "nosuch"),
            (
                "Model “nosuch” not found. If it is an Ollama model, check that the Ollama server is running. "
                "List models with: llm models"
            ),
        ),
        (
            ("--max-context-tokens", "many"),
            "“many” is not a number of tokens. Give a number, or “default”.",
        ),
        (
            ("--max-context-tokens", "0"),
            "A budget must be at least 1 token. Set --max-context-tokens to a number above 0.",
        ),
        (
            ("-o", "num_predict", "many"),
            (
                "scripted does not accept these options: num_predict: Input should be a valid integer, unable to parse "
                "string as an integer. See: llm models list --options -m scripted"
            ),
        ),
        (
            ("-o", "colour", "red"),
            (
                "scripted does not accept these options: colour: Extra inputs are not permitted. "
                "See: llm models list --options -m scripted"
            ),
        ),
    ],
    ids=["model", "word", "zero", "value", "option"],
)
def test_set_refuses_invalid_settings(llm_: Command, work: Script, flags: tuple[str, ...], error: str) -> None:
    """A setting that would make the next prompt fail is refused, and nothing is changed."""
    done = llm_("sessions", "set", "work", "-s", "Be kind.", *flags)
    assert (done.out, done.err, done.code) == ("", f"Error: {error}\n", 1)
    assert _settings(llm_) == AS_CREATED


def test_a_model_without_the_sessions_options(llm_: Command, work: Script) -> None:
    """If another model lacks some of the options, they are left out of its prompts and return with the first model."""
    _settings(llm_, "-m", "echo")
    llm_("--session", "work", "Five").ok()
    _settings(llm_, "-m", "scripted")
    llm_("--session", "work", "Six").ok()
    assert work.options[-1]["mood"] == "glad"


# -- rename ------------------------------------------------------------------


def test_rename(llm_: Command, work: Script) -> None:
    """A renamed session continues under its new name, and the old name is free."""
    assert llm_("sessions", "rename", "WORK", "bridge").ok().out == "Renamed “work” to “bridge”.\n"
    assert llm_("--session", "bridge", "Five").ok().err == ""
    assert [text for role, text in work.texts() if role == "user"] == ["One", "Two", "Three", "Four", "Five"]
    assert llm_("-m", "scripted", "--session", "work", "Anew").ok().err == "session work: created with scripted\n"


def test_rename_to_another_case(llm_: Command, work: Script) -> None:
    """A session can be given its own name in another case."""
    assert llm_("sessions", "rename", "work", "Work").ok().out == "Renamed “work” to “Work”.\n"


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("PLAY", "Session “PLAY” already exists. Choose another name.\n"),
        ("a/b", f"The session name “a/b” contains a “/”. {NAME_RULE}"),
        (" ", f"A session name can't be blank. {NAME_RULE}"),
    ],
    ids=["taken", "slash", "blank"],
)
def test_rename_refused(llm_: Command, work: Script, to: str, error: str) -> None:
    """A name that is taken, in any case, or breaks the rules is refused, and the session keeps its own."""
    llm_("-m", "scripted", "--session", "play", "One").ok()
    done = llm_("sessions", "rename", "work", to)
    assert (done.out, done.err, done.code) == ("", f"Error: {error}", 1)
    assert {line["name"] for line in json.loads(llm_("sessions", "--json").ok().out)} == {"work", "play"}


# -- pin and unpin -----------------------------------------------------------


def test_pins_come_right_after_the_system_prompt_in_order(llm_: Command, work: Script) -> None:
    """Pinned exchanges are sent right after the system prompt, in their order, whatever the order of pinning."""
    assert llm_("sessions", "pin", "work", "3").ok().out == "Pinned in “work”: #3.\n"
    assert llm_("sessions", "pin", "work", "1").ok().out == "Pinned in “work”: #1, #3.\n"
    filler = "and so on, until the end of the day, " * 8
    for number in range(5):
        llm_("--session", "work", "--max-context-tokens", "300", f"Filler {number} {filler}").ok()
    assert work.texts()[:5] == [
        ("system", "Be brief."),
        *(("user", "One"), ("assistant", "Noted.")),
        *(("user", "Three"), ("assistant", "Noted.")),
    ]
    assert ("user", "Two") not in work.texts()


def test_a_pinned_exchange_is_sent_once(llm_: Command, work: Script) -> None:
    """An exchange that is pinned and among the newest is sent once, in its place."""
    llm_("sessions", "pin", "work", "3").ok()
    llm_("--session", "work", "Five").ok()
    assert [text for role, text in work.texts() if role == "user"] == ["One", "Two", "Three", "Four", "Five"]


def test_pinning_twice_and_unpinning(llm_: Command, work: Script) -> None:
    """Pinning twice has no further effect. Unpinning an exchange that is not pinned is an error."""
    llm_("sessions", "pin", "work", "2").ok()
    assert llm_("sessions", "pin", "work", "2").ok().out == "Pinned in “work”: #2.\n"
    llm_("sessions", "pin", "work", "4").ok()
    assert llm_("sessions", "unpin", "work", "2").ok().out == "Pinned in “work”: #4.\n"
    wrong = llm_("sessions", "unpin", "work", "2")
    assert (wrong.err, wrong.code) == ("Error: Exchange #2 of “work” is not pinned. Pinned: #4.\n", 1)
    assert llm_("sessions", "unpin", "work", "4").ok().out == "Pinned in “work”: nothing.\n"
    assert llm_("sessions", "unpin", "work", "4").err == "Error: Exchange #4 of “work” is not pinned. Pinned: none.\n"


@pytest.mark.parametrize("command", ["pin", "unpin"])
def test_an_exchange_that_is_not_there(llm_: Command, work: Script, command: str) -> None:
    """A number beyond the last exchange is an error that says how many there are."""
    done = llm_("sessions", command, "work", "5")
    assert (done.out, done.code) == ("", 1)
    assert done.err == "Error: Session “work” has no exchange #5. It has 4, numbered from 1.\n"


def test_pins_that_exceed_the_budget_are_refused(llm_: Command, work: Script) -> None:
    """A pin that would make the pins alone exceed the budget is refused with both figures. The others stay."""
    llm_("--session", "work", "Five " + "and so on, until the end of the day, " * 30).ok()
    llm_("sessions", "set", "work", "--max-context-tokens", "100").ok()
    llm_("sessions", "pin", "work", "1").ok()
    done = llm_("sessions", "pin", "work", "5")
    told = re.fullmatch(
        r"Error: With #5 pinned, “work” would send about (\d+) tokens before any prompt, but the budget is 100\. "
        r"Unpin another exchange first, or raise --max-context-tokens\.\n",
        done.err,
    )
    assert told
    assert int(told[1]) > 100
    assert (done.out, done.code) == ("", 1)
    assert llm_("sessions", "pin", "work", "1").ok().out == "Pinned in “work”: #1.\n"


# -- name ----------------------------------------------------------------------

SAID = (
    Said("We build a bridge.", system="Be brief.", tokens=(40, 6)),
    Said("What does it weigh?", "12 t.", fragments=(llm.Fragment("Steel: 12 t.", "notes.txt"),)),
    Said("Ask the weather.", "Rain.", calls=(Call("weather", {"in": "Lisbon"}, "rain"),)),
)


@pytest.mark.parametrize("generation", ["turns", "responses", "both"])
def test_an_existing_conversation_gets_a_name(llm_: Command, script: Script, log: Path, generation: str) -> None:
    """A conversation from either or both generations of llm's tables becomes a session with everything in it."""
    with LogBuilder(log) as built:
        thread = built.thread()
        write: Any = getattr(built, generation)
        write(thread, *SAID, model="scripted")
    done = llm_("sessions", "name", thread, "work").ok()
    assert done.out == f"Conversation {thread} is now the session “work” (3 exchanges).\n"
    assert _settings(llm_)["model"] == "scripted"
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert [(exchange["prompt"], exchange["reply"]) for exchange in shown] == [
        ("We build a bridge.", "Noted."),
        ("Steel: 12 t.\nWhat does it weigh?", "12 t."),
        ("Ask the weather.", "Rain."),
    ]
    assert llm_("--session", "work", "And now?").ok().err == ""
    roles = [role for role, _ in script.texts() if role != "system"]
    assert roles == [*["user", "assistant"] * 2, "user", "assistant", "tool", "assistant", "user"]
    llm_("--session", "work", "And then?").ok()
    assert script.texts()[-3:] == [("user", "And now?"), ("assistant", "Noted."), ("user", "And then?")]
    assert json.loads(llm_("sessions", "--json").ok().out)[0]["exchanges"] == 5


@pytest.mark.parametrize("generation", ["turns", "responses"])
def test_a_named_conversation_keeps_its_system_prompt(
    llm_: Command, script: Script, log: Path, generation: str
) -> None:
    """A conversation that gets a name keeps its system prompt and options."""
    with LogBuilder(log) as built:
        thread = built.thread()
        write: Any = getattr(built, generation)
        write(thread, SAID[0], model="scripted")
    llm_("sessions", "name", thread, "work").ok()
    llm_("--session", "work", "And now?").ok()
    assert script.texts()[0] == ("system", "Be brief.")


def test_a_plain_conversation_goes_on_as_a_session(llm_: Command, script: Script, log: Path) -> None:
    """A conversation begun with plain llm continues as a session, with its model, system prompt and options."""
    llm_("-m", "other", "-s", "Be brief.", "-o", "mood", "glad", "One").ok()
    thread = json.loads(llm_("logs", "list", "--json").ok().out)[0]["conversation_id"]
    assert llm_("sessions", "name", thread, "work").ok().out == (
        f"Conversation {thread} is now the session “work” (1 exchange).\n"
    )
    assert _settings(llm_) == AS_CREATED | {"model": "other"}
    llm_("--session", "work", "Two").ok()
    assert script.texts() == [("system", "Be brief."), ("user", "One"), ("assistant", "Noted."), ("user", "Two")]


def test_name_refused(llm_: Command, work: Script, log: Path) -> None:
    """An unknown conversation, one that has a name, and a name that is taken or invalid each have their own error."""
    llm_("-m", "scripted", "Elsewhere").ok()
    thread = json.loads(llm_("logs", "list", "--json").ok().out)[-1]["conversation_id"]
    session = json.loads(llm_("sessions", "--json").ok().out)[0]["thread_id"]
    for arguments, error in (
        (
            ("01nope", "play"),
            f"Conversation 01nope not found in {log}. List conversation ids with: llm logs list --short",
        ),
        (
            (session, "play"),
            f"Conversation {session} is already the session “work”. Rename it with: llm sessions rename work play",
        ),
        ((thread, "Work"), "Session “Work” already exists. Choose another name."),
        ((thread, "a/b"), f"The session name “a/b” contains a “/”. {NAME_RULE.strip()}"),
    ):
        done = llm_("sessions", "name", *arguments)
        assert (done.out, done.err, done.code) == ("", f"Error: {error}\n", 1)
    assert [line["name"] for line in json.loads(llm_("sessions", "--json").ok().out)] == ["work"]


def test_name_without_a_log(llm_: Command, log: Path) -> None:
    """Without a log the conversation is not found, and no log is created."""
    done = llm_("sessions", "name", "01nope", "work")
    hint = "If the log is elsewhere, give its path with -d."
    assert done.err == f"Error: Conversation 01nope not found: there is no log at {log} yet. {hint}\n"
    assert not log.exists()


@pytest.mark.parametrize("command", ["set", "rename", "pin", "unpin", "retry", "context", "show"])
def test_an_unknown_session_is_the_same_error_everywhere(llm_: Command, work: Script, command: str) -> None:
    """Every command that takes a session's name has the same error for an unknown one."""
    more = {"rename": ("play",), "pin": ("1",), "unpin": ("1",)}.get(command, ())
    done = llm_("sessions", command, "wrok", *more)
    assert (done.out, done.err, done.code) == ("", "Error: Session “wrok” not found. Did you mean “work”?\n", 1)


def test_an_imported_session_does_nothing_to_the_terminal(llm_: Command, script: Script, tmp_path: Path) -> None:
    """Model, system prompt and options in a file can come from anyone. `set`, `context` and errors show them safely."""
    evil = "a\x1b]0;owned\x07\x9b31m\u202eb"
    header = {"format": "llm-session", "version": 1, "name": "work", "system": evil, "recall_model": evil}
    header |= {"options": {evil: evil}, "summary_model": evil}
    for name, model in (("work", "scripted"), ("other", evil)):
        (tmp_path / "work.jsonl").write_text(json.dumps({**header, "name": name, "model": model}))
        llm_("sessions", "import", str(tmp_path / "work.jsonl")).ok()
    shown = "".join(
        done.out + done.err
        for done in (
            llm_("sessions", "set", "other"),
            llm_("sessions", "context", "work", "Hello"),
            llm_("sessions", "context", "work", "Hello", "--text"),
            llm_("sessions", "context", "other", "Hello"),
            llm_("--session", "other", "Hello"),
            llm_("--session", "work", "Hello"),
            llm_("sessions", "set", "work", "-m", evil),
        )
    )
    assert shown.count("a␛]0;owned␇⟦U+009B⟧31m⟦U+202E⟧b") > 6
    assert plain(shown) == shown


def test_what_a_server_says_when_it_fails_does_nothing_to_the_terminal(llm_: Command, script: Script) -> None:
    """An error text in mid-stream is shown safely, at the prompt and later with the attempt."""
    script.replies = [Broken("half an answer and", 2, RuntimeError("down\x1b[2J\u202e"))]
    done = llm_("-m", "scripted", "--session", "work", "Hello")
    assert "Error: down␛[2J⟦U+202E⟧" in done.err
    assert plain(done.err) == done.err
    assert plain(llm_("sessions", "show", "work").ok().out).count("down␛[2J⟦U+202E⟧") == 1

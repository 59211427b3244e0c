"""`--memory summary` and `llm sessions summary`: made once a block, shown with its provenance, redone, edited."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from llm_session_memory.llm_seam.creating import Wanted
from llm_session_memory.llm_seam.prompting import Prompting
from llm_session_memory.memory import Memory
from llm_session_memory.model import Settings
from llm_session_memory.rules import summary
from llm_session_memory.rules.tokens import Measure
from tests.conftest import Command, Done
from tests.world.logs import LogBuilder, Said
from tests.world.ollama_server import Arrived, OllamaModel, OllamaStandIn
from tests.world.once import once
from tests.world.scripted import Script

GOOD = "Goals: a bridge in Lisbon\nFacts: 4 May"
BUDGET = 1_200
NEARLY = 8


def asked_for_a_summary(system: str | None) -> bool:
    return "You keep the memory" in (system or "")


class Talk:
    """A session whose model answers prompts with “Noted.”, and requests for summaries with what is set here."""

    def __init__(self, llm_: Command, script: Script) -> None:
        self.llm_ = llm_
        self.script = script
        self.summary: str | BaseException = GOOD
        script.replies = [self.reply]
        script.count = lambda text: len(text.split())
        self.prompts = 0

    def reply(self, prompt: Any) -> str:
        if not asked_for_a_summary(prompt.system):
            return "Noted."
        if isinstance(self.summary, BaseException):
            raise self.summary
        return self.summary

    def ask(self, *arguments: str) -> Done:
        self.prompts += 1
        text = f"Question {self.prompts}? " + "word " * 90
        return self.llm_("-m", "scripted", "--session", "work", *self.flags, *arguments, text).ok()

    flags: tuple[str, ...] = ("--memory", "summary", "--max-context-tokens", str(BUDGET))

    def until_pruned(self, *arguments: str) -> Done:
        """Ask until exchanges no longer fit; return that prompt."""
        if self.prompts:
            return self.pruned(*arguments)
        if arguments or self.flags != Talk.flags or self.summary != GOOD:
            self.begin()
            return self.pruned(*arguments)
        done, self.prompts = _as_usual(script=self.script, talk=self)
        self.script.replies = [self.reply]
        return done

    def begin(self) -> None:
        """Ask, as usual, nearly as often as the budget has room for."""
        self.prompts = _nearly(script=self.script, talk=self)
        self.script.replies = [self.reply]

    def pruned(self, *arguments: str) -> Done:
        """Do so now, whatever was asked before."""
        for _ in range(30):
            done = self.ask(*arguments)
            if "no longer fits" in done.err:
                return done
        raise AssertionError("nothing was pruned")

    def requests(self) -> list[bool]:
        """Return for each request whether it was for a summary."""
        return [asked_for_a_summary(system) for system in self.script.systems]

    def shown(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.llm_("sessions", "summary", "work", "--json").ok().out)
        return found


@once
def _nearly(*, script: Script, talk: Talk) -> int:
    """A new session asks as usual. Return how often."""
    flags, talk.flags = talk.flags, Talk.flags
    for _ in range(NEARLY):
        assert "no longer fits" not in talk.ask().err
    talk.flags = flags
    script.replies = []  # belong to this talk
    return NEARLY


@once
def _as_usual(*, script: Script, talk: Talk) -> tuple[Done, int]:
    """A new session asks until exchanges no longer fit, as usual. Return the last prompt, and how many there were."""
    done = talk.pruned()
    script.replies = []  # belong to this talk
    return done, talk.prompts


@pytest.fixture(name="talk")
def _talk(llm_: Command, script: Script) -> Talk:
    return Talk(llm_, script)


# -- in a session ------------------------------------------------------


def test_a_summary_is_made_once_a_block_and_sent(talk: Talk) -> None:
    """A summary is made when the start of the window moves, sent with every later prompt, and extended next time."""
    done = talk.until_pruned()
    assert re.search(r"^session work: summarising exchanges #1 to #\d+ with scripted …$", done.err, re.MULTILINE)
    assert talk.requests().count(True) == 1
    assert GOOD in talk.script.texts()[0][1]
    [made] = talk.shown()
    assert (made["first"], made["exchanges"], made["model"]) == (1, made["last"], "scripted")
    talk.summary = "Goals: a bridge\nFacts: 4 May; 12 t"
    while talk.requests().count(True) == 1:
        assert GOOD in talk.script.texts()[0][1]
        talk.ask()
    assert talk.summary in talk.script.texts()[0][1]
    assert GOOD not in talk.script.texts()[0][1]
    second, first = talk.shown()
    assert first == made
    assert (second["first"], second["text"]) == (1, talk.summary)
    assert second["last"] > first["last"]
    shown = json.loads(talk.llm_("sessions", "show", "work", "--json").ok().out)
    assert len(shown["exchanges"]) == talk.prompts, "a request for a summary is no exchange"


def test_what_is_summarised_and_what_is_sent_leave_no_gap(talk: Talk) -> None:
    """Every exchange is in the summary or among the newest, which are sent."""
    talk.until_pruned()
    context = json.loads(talk.llm_("sessions", "context", "work", "Hello", "--json").ok().out)
    [made] = talk.shown()
    recent = [item["first"] for item in context["items"] if item["fate"] == "recent"]
    assert [*range(1, made["last"] + 1), *recent] == list(range(1, talk.prompts + 1))


def test_a_summary_of_what_was_undone_is_not_sent(talk: Talk) -> None:
    """If exchanges that a summary covers are undone or brought back before others, the next prompts do without it."""
    talk.until_pruned()
    covered = json.loads(talk.llm_("sessions", "summary", "work", "--json").ok().out)[0]["last"]
    total = len(json.loads(talk.llm_("sessions", "show", "work", "--json").ok().out)["exchanges"])
    talk.llm_("sessions", "undo", "work", "-n", str(total - covered + 1)).ok()
    assert "Not sent: exchanges that it covers were undone" in talk.llm_("sessions", "summary", "work").ok().out
    talk.ask()
    assert GOOD not in (talk.script.systems[-1] or "")
    talk.llm_("sessions", "redo", "work", "--undo-new").ok()
    assert f"to #{covered};" in talk.llm_("sessions", "summary", "work").ok().out
    talk.ask()
    assert GOOD in talk.script.systems[-1]


def test_no_request_exceeds_the_budget(talk: Talk) -> None:
    """Neither requests for replies nor those for summaries exceed the budget, however long the summary is."""
    talk.summary = "\n".join(f"Facts: figure {number} of the bridge" for number in range(30))
    assert summary.limit(BUDGET) < summary.size(talk.summary, Measure()) < 2 * summary.limit(BUDGET)
    talk.begin()
    for _ in range(60):
        talk.ask()
        if talk.requests().count(True) >= 6:
            break
    assert talk.requests().count(True) >= 6
    for number in range(len(talk.script.seen)):
        texts = [text for _, text in talk.script.texts(number)]
        assert sum(len(text.split()) + 4 for text in texts) <= BUDGET


def test_a_summary_that_became_too_long_is_sent_in_part(talk: Talk, log: Path) -> None:
    """An edited summary that is far too long is cut at the end of a line. The next summary is made from it."""
    talk.until_pruned()
    with Memory(log) as memory:
        memory.notes.edit_summary("work", "A fact of the bridge in Lisbon.\n" * 300)
    done = talk.ask()
    sent = talk.script.texts()
    assert "leaves no room" not in done.err
    assert sum(len(text.split()) + 4 for _, text in sent) <= BUDGET
    assert 10 < sent[0][1].count("A fact of the bridge in Lisbon.\n") < 60
    assert len(sent) > 2
    asked = talk.requests().count(True)
    while talk.requests().count(True) == asked:
        talk.ask()
    assert GOOD in talk.script.texts()[0][1]


@pytest.mark.parametrize("flags", [(), ("--async",)], ids=["sync", "async"])
def test_another_model_makes_the_summary(talk: Talk, flags: tuple[str, ...]) -> None:
    """--summary-model makes the summaries, under --async too."""
    talk.flags = (*talk.flags, "--summary-model", "other")
    done = talk.until_pruned(*flags)
    assert "with other" in done.err
    assert [one["model"] for one in talk.shown()] == ["other"]
    assert "made by other on " in talk.llm_("sessions", "summary", "work").ok().out


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (RuntimeError("The server is away."), "the summary could not be made (The server is away), so "),
        ("", "the summary could not be made (two attempts were rejected: it was empty), so "),
    ],
    ids=["failed", "refused"],
)
def test_without_a_summary_the_prompt_is_answered_all_the_same(talk: Talk, bad: str | Exception, why: str) -> None:
    """If no summary can be made, exchanges are pruned without one, stderr says so, and the next block tries again."""
    talk.summary = bad
    done = talk.until_pruned()
    assert done.out.strip() == "Noted."
    assert f"session work: {why}" in done.err
    assert talk.shown() == []
    talk.summary = GOOD
    asked = talk.requests().count(True)
    while talk.requests().count(True) == asked:
        talk.ask()
    assert talk.shown()[0]["first"] == 1


def test_a_prompt_that_is_not_recorded_makes_no_summary(talk: Talk) -> None:
    """With -n nothing is written, so no summary is made."""
    talk.until_pruned()
    before = len(talk.shown())
    asked = talk.requests().count(True)
    talk.llm_("--session", "work", "-n", *talk.flags, "word " * 600).ok()
    assert (len(talk.shown()), talk.requests().count(True)) == (before, asked)


def test_the_server_cuts_no_request_for_a_summary(llm_: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests for summaries use the session's window on an Ollama model with a small one, and none is cut."""

    def reply(arrived: Arrived) -> str:
        return GOOD if asked_for_a_summary(str(arrived.messages[0].get("content"))) else "Noted. " + "reply " * 60

    able = OllamaModel("llama3", capabilities=("completion", "tools"))
    with OllamaStandIn([able], reply=reply) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        monkeypatch.setenv("SSL_CERT_DIR", str(home))
        prompts = "".join(f"Question {number}? {'word ' * 60}\n" for number in range(24))
        flags = ("-m", "llama3", "--session", "work", "-o", "num_ctx", "2048", "-o", "num_predict", "80")
        llm_("chat", *flags, "--memory", "summary", input=f"{prompts}quit\n").ok()
        made = [chat for chat in server.chats if asked_for_a_summary(str(chat.messages[0].get("content")))]
        assert len(made) >= 2
        assert [chat.cut for chat in server.chats] == [None] * len(server.chats)
        assert {chat.body["options"]["num_ctx"] for chat in server.chats} == {2048}
        assert {chat.body["options"]["num_predict"] for chat in made} == {512}, "the room for an answer, not 80"
        assert server.reloads == []


# -- the command -------------------------------------------------------


def test_a_prompt_that_was_interrupted_while_its_summary_was_made_is_kept(talk: Talk, llm_: Command) -> None:
    """Ctrl-C during the summary keeps the prompt as Ctrl-C during the reply does. Nothing else is written."""
    talk.until_pruned()
    talk.summary = KeyboardInterrupt()
    text = "What then? " + "word " * 90
    for _ in range(30):
        done = llm_("--session", "work", text)
        if done.code:
            break
    assert done.err.endswith("the prompt is kept. Send it again with: llm sessions retry work\n\nAborted!\n")
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    (attempt,) = shown["attempts"]
    assert (attempt["error"], attempt["prompt"], attempt["partial"]) == ("interrupted", text, "")
    talk.summary = GOOD
    assert llm_("sessions", "retry", "work").ok().out == "Noted.\n"
    again = json.loads(llm_("sessions", "show", "work", "--json").ok().out)
    assert len(again["exchanges"]) == len(shown["exchanges"]) + 1


def test_a_prompt_that_was_to_start_over_is_not_kept_in_the_old_session(talk: Talk, log: Path) -> None:
    """Ctrl-C before the new session is made leaves nothing of its prompt in the old session of that name."""
    talk.ask()
    with Memory(log) as memory:
        asked = Settings(model="scripted")
        prompting = Prompting(memory, Wanted("work", over=memory.sessions.get("work")), asked, print)
        composing = prompting._prompted("Hello", asked, {})
        assert composing.keep(KeyboardInterrupt()) is None
        assert memory.record.attempts("work") == []


@pytest.fixture(name="work")
def _work(log: Path, llm_: Command, script: Script) -> str:
    """A session `work` of six exchanges, the first four of them in a summary."""
    with LogBuilder(log) as built:
        thread = built.thread()
        built.turns(thread, *(Said(f"Question {n}? " + "word " * 30, f"Answer {n}.") for n in range(1, 7)))
        [first, *_, last] = [row["id"] for row in built.db.query("select id from turns order by id limit 4")]
        llm_("sessions", "name", thread, "work").ok()
        row = {"thread_id": thread, "text": GOOD, "first_turn_id": first, "last_turn_id": last, "exchanges": 4}
        cost = {"input_tokens": 1_200, "output_tokens": 80, "duration_ms": 3_210}
        built.db.table("memory_summaries").insert(
            {**row, **cost, "model": "scripted", "made_utc": "2026-09-02T10:00:00+00:00"}
        )
    script.replies = ["Goals: a bridge\nFacts: 4 May; 12 t"]
    return thread


def test_the_summary_is_shown_with_its_provenance(llm_: Command, work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the summary is what it covers, who made it and when, and what that cost."""
    monkeypatch.setenv("TZ", "UTC")
    assert llm_("sessions", "summary", "work").ok().out == (
        f"{GOOD}\n\nCovers exchanges #1 to #4; made by scripted on 2026-09-02 10:00, 1,200 → 80 tokens, 3.2 s.\n"
    )
    assert json.loads(llm_("sessions", "summary", "work", "--json").ok().out) == [
        {
            "text": GOOD,
            "first": 1,
            "last": 4,
            "exchanges": 4,
            "model": "scripted",
            "input_tokens": 1_200,
            "output_tokens": 80,
            "duration_ms": 3_210,
            "made_utc": "2026-09-02T10:00:00+00:00",
        }
    ]


def test_redo_makes_it_again_from_the_exchanges(llm_: Command, work: str, script: Script) -> None:
    """--redo reads the exchanges, not the summary in use. Older summaries stay, and their cost is counted."""
    script.count = len
    done = llm_("sessions", "summary", "work", "--redo").ok()
    assert done.err == "session work: summarising exchanges #1 to #4 with scripted …\n"
    assert done.out.startswith("Goals: a bridge\nFacts: 4 May; 12 t\n\nCovers exchanges #1 to #4; made by scripted on ")
    assert re.search(r"^Summaries made so far: 2, \d,\d\d\d → 114 tokens, \d+\.\d s\.$", done.out, re.MULTILINE)
    _, asked = script.texts()[1]
    assert "Question 1?" in asked
    assert "Question 4?" in asked
    assert "Question 5?" not in asked
    assert "Lisbon" not in asked


def test_redo_with_another_model(llm_: Command, work: str, script: Script) -> None:
    """-m names the model that makes it again. Later summaries use the session's own."""
    assert "made by other on " in llm_("sessions", "summary", "work", "--redo", "-m", "other").ok().out
    assert "made by scripted on " in llm_("sessions", "summary", "work", "--redo").ok().out


def test_redo_that_fails_leaves_the_summary_in_use(llm_: Command, work: str, script: Script) -> None:
    """A model that fails leaves everything unchanged, and stderr says so."""
    script.replies = [RuntimeError("The server is away.")]
    done = llm_("sessions", "summary", "work", "--redo")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "session work: summarising exchanges #1 to #4 with scripted …\n"
        "Error: The summary could not be rewritten (The server is away). The previous summary stays in use.\n"
    )
    assert GOOD in llm_("sessions", "summary", "work").ok().out


def editor(home: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the person's editor be a program that gets the text as `text`, and writes what it is then."""
    path = home / "editor"
    lines = ["import pathlib, sys", "file = pathlib.Path(sys.argv[1])", "text = file.read_text()", program]
    path.write_text("\n".join([f"#!{sys.executable}", *lines, "file.write_text(text)", ""]))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("EDITOR", str(path))
    monkeypatch.delenv("VISUAL", raising=False)


def test_edit_replaces_the_text(llm_: Command, work: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--edit opens the summary in the editor. The saved text is then in use, marked as edited."""
    editor(home, monkeypatch, "import os; text = text.replace('4 May', '5 May'); os.utime(file, (1, 1))")
    out = llm_("sessions", "summary", "work", "--edit").ok().out
    assert out.startswith(GOOD.replace("4 May", "5 May") + "\n\nCovers exchanges #1 to #4; edited by you on ")
    assert out.endswith("\nSummaries made so far: 2, 1,200 → 80 tokens, 3.2 s.\n")


@pytest.mark.parametrize(
    ("program", "error"),
    [("", "Nothing was changed.\n"), ("text = ' '", "Error: A summary can't be empty. Nothing was changed.\n")],
    ids=["closed without a change", "emptied"],
)
def test_edit_to_nothing_changes_nothing(  # noqa: PLR0913  fixtures and a case
    llm_: Command, work: str, home: Path, monkeypatch: pytest.MonkeyPatch, program: str, error: str
) -> None:
    """Closing the editor without a change, or with an empty text, leaves the summary unchanged."""
    editor(home, monkeypatch, f"import os; os.utime(file, (1, 1)); {program}")
    assert llm_("sessions", "summary", "work", "--edit").err == error
    assert len(json.loads(llm_("sessions", "summary", "work", "--json").ok().out)) == 1


NONE = "Session “idle” has no summary yet. One is made when exchanges no longer fit"


@pytest.mark.parametrize(
    ("policy", "hint"),
    [
        ("window", ", if you turn summaries on: llm sessions set idle --memory summary"),
        ("summary", "."),
        ("summary,recall", "."),
    ],
)
def test_without_a_summary_it_says_how_one_is_made(llm_: Command, script: Script, policy: str, hint: str) -> None:
    """Without a summary the output says how to get one. --edit and --redo are errors, and no editor opens."""
    llm_("-m", "scripted", "--session", "idle", "--memory", policy, "Hello").ok()
    assert llm_("sessions", "summary", "idle").ok().out == f"{NONE}{hint}\n"
    assert llm_("sessions", "summary", "idle", "--json").ok().out == "[]\n"
    for flag in ("--edit", "--redo"):
        done = llm_("sessions", "summary", "idle", flag)
        assert (done.err, done.code) == (f"Error: {NONE}{hint}\n", 1)
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        (("--redo", "--edit"), "--redo and --edit can't be combined: each replaces the summary in use."),
        (("-m", "other"), "-m needs --redo. For later summaries, use: llm sessions set NAME --summary-model MODEL"),
    ],
    ids=["redo and edit", "a model for nothing"],
)
def test_options_that_can_not_be_combined(llm_: Command, work: str, flags: tuple[str, ...], error: str) -> None:
    """Combinations without a meaning are usage errors."""
    done = llm_("sessions", "summary", "work", *flags)
    assert done.code == 2
    assert done.err.endswith(f"Error: {error}\n")


def test_what_a_model_wrote_is_safe_to_print(llm_: Command, work: str, script: Script) -> None:
    """Control characters in a summary are shown as signs."""
    script.replies = ["Goals: \x1b[31mred\x1b[0m"]
    assert llm_("sessions", "summary", "work", "--redo").ok().out.startswith("Goals: ␛[31mred␛[0m\n")
    assert "\x1b" not in llm_("sessions", "summary", "work", "--json").ok().out

"""Thinking in the text of replies is not sent again, counted or recalled, and is folded where it is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.reader.functions import register
from llm_session_memory.reader.source import Source
from llm_session_memory.reader.tables import present
from llm_session_memory.reader.transcript import transcript
from tests.conftest import Command
from tests.world.scripted import Script

SECRET = "The foundations cost 7 million escudos."
REPLY = f"<think>\n{SECRET}\n</think>\n\nThe deadline is 4 May."


def tell(llm_: Command, script: Script, *texts: str, flags: tuple[str, ...] = ()) -> None:
    """Hold a session in which the first reply thinks aloud."""
    script.replies = [REPLY, "Noted."]
    for text in texts:
        llm_("-m", "scripted", "--session", "work", *flags, text).ok()


@pytest.mark.parametrize("policy", ["window", "recall", "full", "summary"])
def test_thinking_is_not_sent_again(llm_: Command, script: Script, policy: str) -> None:
    """The next prompts are sent with the reply alone, all in one block; the log has the reply as it was."""
    tell(llm_, script, "When?", "Sure?", "Really?", flags=("--memory", policy))
    assert script.texts()[:4] == [
        ("user", "When?"),
        ("assistant", "The deadline is 4 May."),
        ("user", "Sure?"),
        ("assistant", "Noted."),
    ]
    context = json.loads(llm_("sessions", "context", "work", "Now?", "--json").ok().out)
    assert context["block"]["continues"]
    shown = json.loads(llm_("sessions", "show", "work", "--json").ok().out)["exchanges"]
    assert shown[0]["turns"][0]["messages"][-1]["parts"][0]["text"] == REPLY


def test_thinking_can_be_kept(llm_: Command, script: Script) -> None:
    """`--think keep` sends replies as they were, for one prompt or as the session's setting."""
    tell(llm_, script, "When?")
    llm_("--session", "work", "--think", "keep", "Once?").ok()
    assert script.texts()[1] == ("assistant", REPLY)
    llm_("--session", "work", "Sure?").ok()
    assert script.texts()[1] == ("assistant", "The deadline is 4 May.")
    assert "think    sent again" in llm_("sessions", "set", "work", "--think", "keep").ok().out
    llm_("--session", "work", "Still?").ok()
    assert script.texts()[1] == ("assistant", REPLY)
    assert "think " not in llm_("sessions", "set", "work", "--think", "default").ok().out
    assert "not one of" in llm_("sessions", "set", "work", "--think", "maybe").err


@pytest.mark.parametrize("reply", ["<think>\nHm", "Hm.\n</think>", "<think>Hm.</think>\n\n"])
def test_a_reply_of_thinking_is_sent_as_no_reply(llm_: Command, script: Script, reply: str) -> None:
    """A reply that is nothing but thinking is sent again as a mark, as an empty one is."""
    script.replies = [reply, "Yes."]
    llm_("-m", "scripted", "--session", "work", "When?").ok()
    llm_("--session", "work", "Sure?").ok()
    assert script.texts()[1] == ("assistant", "[no reply]")


def test_thinking_is_not_counted(llm_: Command, script: Script) -> None:
    """The estimate of the next request has the reply without its thinking, though the server counted both."""
    script.count = lambda text: len(text) // 4
    script.replies = [f"<think>{SECRET * 200}</think>4 May.", "Yes."]
    llm_("-m", "scripted", "--session", "work", "--memory", "window", "When is the deadline of the bridge? " * 8).ok()
    context = json.loads(llm_("sessions", "context", "work", "Now?", "--json").ok().out)
    assert context["tokens"] < 300


def test_thinking_is_not_recalled(llm_: Command, script: Script) -> None:
    """Recall leaves out what was only thought, also if the thinking has the words that it looks for."""
    rest = [f"Day {number}: the weather is fine, and pier {number * 7} is painted blue." for number in range(30)]
    tell(llm_, script, "When is the deadline?", *rest, flags=("--max-context-tokens", "500"))
    asked = "What do the foundations and the deadline of May cost in escudos?"
    text = llm_("sessions", "context", "work", asked, "--text").ok().out
    assert SECRET not in text
    assert "The deadline is 4 May." in text
    llm_("sessions", "set", "work", "--think", "keep").ok()
    assert SECRET in llm_("sessions", "context", "work", asked, "--text").ok().out


def test_thinking_is_folded_where_it_is_shown(llm_: Command, script: Script, log: Path, tmp_path: Path) -> None:
    """Transcript, HTML export and the pages' values have it as reasoning, apart from the reply."""
    tell(llm_, script, "When?")
    shown = llm_("sessions", "show", "work").ok().out
    assert f"*Reasoning:*\n\n> {SECRET}\n\n**Model:** The deadline" in shown
    html = tmp_path / "work.html"
    llm_("sessions", "export", "work", str(html)).ok()
    page = html.read_text("utf-8")
    assert page.index("<summary>Reasoning") < page.index(SECRET) < page.index('class="reply"')
    assert "&lt;think" not in page
    lines = llm_("sessions", "export", "work").ok().out
    assert json.dumps(REPLY)[1:-1] in lines


def test_the_pages_have_it_as_reasoning(llm_: Command, script: Script, log: Path) -> None:
    """The reader gives the pages a piece of reasoning and a piece of text."""
    tell(llm_, script, "When?")
    with Memory(log) as memory:
        thread = memory.sessions.get("work").thread_id
        connection = memory.desk.log.database.conn
        register(connection)
        source = Source(connection, present(connection), str(log))
        (exchange,) = transcript(source, thread).exchanges
    pieces = [(piece.kind, piece.text) for piece in exchange.calls[0].messages[-1].pieces]
    assert pieces == [("reasoning", SECRET), ("text", "The deadline is 4 May.")]

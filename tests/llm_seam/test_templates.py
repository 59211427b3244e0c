"""`llm -t NAME --session work`: a session remembers the templates that it was created from."""

from __future__ import annotations

from pathlib import Path

import pytest

from llm_session_memory import Memory
from llm_session_memory.model import Session, Settings
from tests.conftest import Command
from tests.world.scripted import Script


def _template(home: Path, name: str, text: str) -> None:
    folder = home / "templates"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def _session(log: Path, name: str = "work") -> Session:
    with Memory(log) as memory:
        return memory.sessions.get(name)


def test_its_prompt_is_for_the_prompts_that_name_it(llm_: Command, script: Script, home: Path, log: Path) -> None:
    """Model, system prompt and options become the session's; the prompt, `$input` or not, is for -t alone."""
    _template(home, "ask", "model: other\nsystem: Be brief.\noptions:\n  mood: glad\nprompt: 'Say: $input'\n")
    llm_("--session", "work", "-t", "ask", input="First").ok()
    llm_("--session", "work", "Second").ok()
    llm_("--session", "work", "-t", "ask", "Third").ok()
    assert [script.texts(call)[-1][1] for call in range(3)] == ["Say: First", "Second", "Say: Third"]
    assert (script.systems, [one["mood"] for one in script.options]) == (["Be brief."] * 3, ["glad"] * 3)
    made = _session(log)
    assert (made.template, made.settings) == ("ask", Settings("other", "Be brief.", {"mood": "glad"}))


def test_a_template_given_later_is_not_remembered(llm_: Command, script: Script, home: Path, log: Path) -> None:
    """In an existing session, a template holds for one prompt, its options too, and the session stays as it was."""
    _template(home, "glad", "model: scripted\noptions:\n  mood: glad\n")
    _template(home, "sad", "system: Be sad.\noptions:\n  mood: sad\n")
    llm_("--session", "work", "-t", "glad", "First").ok()
    llm_("--session", "work", "-t", "sad", "Second").ok()
    llm_("--session", "work", "-t", "sad", "-o", "mood", "calm", "Third").ok()
    llm_("--session", "work", "Fourth").ok()
    assert [one["mood"] for one in script.options] == ["glad", "sad", "calm", "glad"]
    assert (_session(log).template, _session(log).settings) == ("glad", Settings("scripted", None, {"mood": "glad"}))


def test_options_that_the_templates_model_lacks_are_left_out(llm_: Command, script: Script, home: Path) -> None:
    """The session's options are sent to a template's model only if it has them."""
    _template(home, "echo", "model: echo\n")
    llm_("-m", "scripted", "-o", "mood", "glad", "--session", "work", "First").ok()
    assert '"prompt": "Second"' in llm_("--session", "work", "-t", "echo", "Second").ok().out


def test_a_removed_template_does_not_matter(llm_: Command, script: Script, home: Path, log: Path) -> None:
    """The session works on without the template, and remembers its name; -t with it is llm's own error."""
    _template(home, "brief", "model: scripted\nsystem: Be brief.\n")
    llm_("--session", "work", "-t", "brief", "First").ok()
    (home / "templates" / "brief.yaml").unlink()
    assert llm_("--session", "work", "Second").ok().err == ""
    done = llm_("--session", "work", "-t", "brief", "Third")
    assert (done.err, done.code) == ("Error: Invalid template: brief\n", 1)
    assert (script.systems, _session(log).template) == (["Be brief."] * 2, "brief")
    assert llm_("--session", "new", "-t", "brief", "First").err == done.err
    assert "new" not in llm_("sessions").ok().out


def test_several_templates_are_all_remembered(llm_: Command, script: Script, home: Path, log: Path) -> None:
    """llm applies them in order; of the same fact, the first counts. The list finds the session by each."""
    _template(home, "brief", "model: scripted\nsystem: Be brief.\noptions:\n  mood: glad\n")
    _template(home, "kind", "model: other\nsystem: Be kind.\noptions:\n  mood: sad\n  num_predict: 5\n")
    done = llm_("--session", "work", "-t", "brief", "-t", "kind", "First").ok()
    assert done.err == "session work: created with scripted from template brief, kind\n"
    made = _session(log)
    assert made.settings == Settings("scripted", "Be brief.", {"mood": "glad", "num_predict": 5})
    for name in ("brief", "kind"):
        assert "work" in llm_("sessions", "list", "--template", name).ok().out
    assert llm_("sessions", "list", "--template", "bri").ok().out == ""


def test_a_system_prompt_that_contains_the_prompt_is_not_kept(
    llm_: Command, script: Script, home: Path, log: Path
) -> None:
    """Otherwise every later prompt would be sent with the first one as its system prompt."""
    _template(home, "odd", "model: scripted\nsystem: 'Answer in verse: $input'\n")
    done = llm_("--session", "work", "-t", "odd", "First").ok()
    once = "its system prompt contains the prompt, so it is for this prompt only"
    assert done.err == f"session work: created with scripted from template odd; {once}\n"
    llm_("--session", "work", "Second").ok()
    llm_("--session", "work", "-t", "odd", "Third").ok()
    assert [one or None for one in script.systems] == ["Answer in verse: First", None, "Answer in verse: Third"]
    assert _session(log).settings.system is None
    llm_("--session", "typed", "-t", "odd", "-s", "Be brief.", "First").ok()
    assert _session(log, "typed").settings.system == "Be brief."


def test_a_chat_takes_a_template_too(llm_: Command, script: Script, home: Path, log: Path) -> None:
    """As in llm, each line of a chat is put into the template's prompt. Its options are used too, unlike in llm."""
    _template(home, "ask", "model: scripted\nsystem: Be $tone.\noptions:\n  mood: glad\nprompt: 'Say: $input'\n")
    said = "First\nSecond\nquit\n"
    done = llm_("chat", "--session", "work", "-t", "ask", "-p", "tone", "kind", input=said).ok()
    assert "session work: created with scripted from template ask\n" in done.err
    assert [script.texts(call)[-1][1] for call in range(2)] == ["Say: First", "Say: Second"]
    assert (script.systems, [one["mood"] for one in script.options]) == (["Be kind."] * 2, ["glad"] * 2)
    assert (_session(log).template, _session(log).settings) == (
        "ask",
        Settings("scripted", "Be kind.", {"mood": "glad"}),
    )


def test_a_template_named_by_a_schema_is_loaded_as_without_a_session(llm_: Command, script: Script, home: Path) -> None:
    """`--schema t:NAME` reads a schema from another template, in a session as anywhere."""
    _template(home, "dog", "schema_object:\n  type: object\n  properties:\n    name:\n      type: string\n")
    _template(home, "brief", "model: scripted\n")
    llm_("--session", "work", "-t", "brief", "--schema", "t:dog", "First").ok()


@pytest.mark.parametrize("failing", [ValueError("no"), None])
def test_a_failed_first_prompt_is_retried_as_it_was(
    llm_: Command, script: Script, home: Path, log: Path, failing: Exception | None
) -> None:
    """The prompt that is sent again has the template's text once, whether the call failed or the model was missing."""
    model = "scripted" if failing else "gone"
    _template(home, "ask", f"model: {model}\nsystem: Be brief.\nprompt: 'Say: $input'\n")
    script.replies = [failing, "Noted."] if failing else ["Noted."]
    assert llm_("--session", "work", "-t", "ask", "First").code == 1
    assert _session(log).template == "ask"
    llm_("sessions", "retry", "work", *([] if failing else ["-m", "scripted"])).ok()
    assert (script.texts()[-1][1], script.systems[-1]) == ("Say: First", "Be brief.")

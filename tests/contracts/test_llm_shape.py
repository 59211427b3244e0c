"""Where llm is built otherwise than the seam relies on, `shape` says so, and llm without sessions keeps working."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from llm_session_memory.llm_seam import shape
from tests.conftest import Done

PROMPT = """prompt system model_id database attachments attachment_types tools python_tools options schema_input
fragments system_fragments no_log log _continue conversation_id save async_""".split()
CHAT = "system model_id _continue conversation_id options database tools python_tools".split()
METHODS = "fragments attachments system system_fragments messages tools schema options".split()
ATTRIBUTES = {
    "models.Response": "log_to_db on_done _messages_now to_dict from_dict",
    "models.AsyncResponse": "log_to_db to_sync_response _to_sync_response",
    "models.ChainResponse": "responses log_to_db",
    "models.AsyncChainResponse": "responses log_to_db",
    "models.Conversation": "_record_response _build_full_chain",
    "models.AsyncConversation": "_build_full_chain",
    "models": "_wrap_tools _combine_system",
    "utils": "monotonic_ulid",
    "logs.LogStore": "ensure_chain",
    "parts.Part": "from_dict to_dict",
    "llm": "get_model get_async_model get_default_model user_dir UnknownModelError",
}

# An alteration is a line of Python, run where `cli`, `llm`, `logs`, `models`, `parts`, `utils` and these are known.
TOOLS = """
import inspect, json, sys
import llm
from llm import cli, logs, models, parts, utils

def without_parameter(command, name):
    command.params[:] = [p for p in command.params if p.name != name]

def without_attribute(owner, name):
    homes = inspect.getmro(owner) if inspect.isclass(owner) else [owner]
    for home in homes:
        if name in vars(home):
            delattr(home, name)

def otherwise(owner, name, without):
    found = getattr(owner, name)
    kept = [p for p in inspect.signature(found).parameters.values() if p.name != without]
    def function(*arguments, **more): return found(*arguments, **more)
    function.__signature__ = inspect.Signature(kept)
    setattr(owner, name, function)
"""

ALTERATIONS = {
    **{f"prompt:{name}": f"without_parameter(cli.cli.commands['prompt'], {name!r})" for name in PROMPT},
    **{f"chat:{name}": f"without_parameter(cli.cli.commands['chat'], {name!r})" for name in CHAT},
    "no_chat": "del cli.cli.commands['chat']",
    "no_load_conversation": "del cli.load_conversation",
    **{
        f"load_conversation:{name}": f"otherwise(cli, 'load_conversation', {name!r})"
        for name in ("conversation_id", "async_", "database")
    },
    **{
        f"{owner}.{method}:{name}": f"otherwise(models.{owner}, {method!r}, {name!r})"
        for owner in ("Conversation", "AsyncConversation")
        for method in ("prompt", "chain")
        for name in METHODS
    },
    **{
        f"{owner}.{name}": f"without_attribute({owner}, {name!r})"
        for owner, names in ATTRIBUTES.items()
        for name in names.split()
    },
}

NOTICED_BY_ALL = """
from llm_session_memory.llm_seam import shape
import os

found = {}
for id_, line in json.load(sys.stdin).items():
    read, write = os.pipe()
    if not os.fork():
        exec(line)
        os.write(write, json.dumps(list(shape.problems())).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        found[id_] = json.loads(told.read() or '["the check itself failed"]')
    os.wait()
json.dump(found, sys.stdout)
"""


Altered = Callable[..., Done]


@pytest.fixture(name="altered_llm")
def _altered_llm(home: Path) -> Altered:
    """Run the real llm command after an alteration."""

    def run(alteration: str, *arguments: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-c", f"{TOOLS}\n{alteration}\ncli.cli(sys.argv[1:])", *arguments],
            input="",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Done(done.stdout, done.stderr, done.returncode)

    return run


@pytest.fixture(name="problems", scope="module")
def _problems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The problems that `shape` finds after each alteration, each made in a process of its own."""
    home = tmp_path_factory.mktemp("llm")
    done = subprocess.run(
        [sys.executable, "-c", TOOLS + NOTICED_BY_ALL],
        input=json.dumps(ALTERATIONS),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "LLM_USER_PATH": str(home)},
        timeout=120,
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_the_installed_llm_is_as_relied_on() -> None:
    """The installed llm has every command, parameter, method and function that the seam relies on."""
    found = list(shape.problems())
    assert found == [], f"llm has changed: {' '.join(found)} llm_session_memory/llm_seam relies on it."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each alteration is made in a fork")
@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_each_change_of_llm_is_noticed(problems: dict[str, list[str]], alteration: str) -> None:
    """Whatever of all this is missing or takes other parameters, there is a sentence that names it."""
    name = alteration.rsplit(":", maxsplit=1)[-1].rsplit(".", maxsplit=1)[-1].removeprefix("no_")
    found = problems[alteration]
    assert any(name in sentence for sentence in found), found
    assert all(sentence.endswith(".") for sentence in found)


@pytest.mark.parametrize(
    ("alteration", "said"),
    [
        pytest.param("prompt:fragments", "`llm prompt` has no parameter “fragments”.", id="a_parameter"),
        pytest.param("load_conversation:database", "load_conversation takes no “database”.", id="a_signature"),
        pytest.param("models.Response.on_done", "Response has no “on_done”.", id="a_method"),
    ],
)
def test_llm_keeps_working_and_only_sessions_answer_with_an_error(
    altered_llm: Altered, alteration: str, said: str
) -> None:
    """With a changed llm, a prompt without --session works; with it, one line says what is wrong and what to do."""
    change = ALTERATIONS[alteration]
    if alteration.startswith("prompt:"):  # llm's own function must still get a value for it
        change = f"{change}; cli.prompt.callback = __import__('functools').partial(cli.prompt.callback, fragments=())"
    plain = altered_llm(change, "-m", "echo", "Hello").ok()
    assert '"prompt": "Hello"' in plain.out
    refused = altered_llm(change, "-m", "echo", "--session", "work", "Hello")
    assert refused.code == 1
    assert refused.out == ""
    assert refused.err.startswith("Error: This llm (")
    assert f"is built differently from what sessions rely on: {said}" in refused.err
    assert refused.err.endswith("llm works without --session. Try: llm install -U llm-session-memory\n")
    assert refused.err.count("\n") == 1

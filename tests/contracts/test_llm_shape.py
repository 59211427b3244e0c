"""If llm is built differently from what `llm_seam` relies on, `shape` says so, and llm without sessions still works."""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import llm
import pytest

from llm_session_memory.errors import SeamBroken
from llm_session_memory.llm_seam import shape
from tests.conftest import Done
from tests.imports import ROOT
from tests.world import fresh_llm

TOOLS = """
import inspect
import llm
from llm import cli, logs, models

def without_option(command, name):
    cli.cli.commands[command].params[:] = [p for p in cli.cli.commands[command].params if p.name != name]

def without_attribute_of_instances(owner, name):
    made = owner.__init__
    def __init__(self, *arguments, **more):
        made(self, *arguments, **more)
        delattr(self, name)
    owner.__init__ = __init__

def without_parameter(owner, name, without):
    found = getattr(owner, name)
    kept = [p for p in inspect.signature(found).parameters.values() if p.name != without]
    def function(*arguments, **more): return found(*arguments, **more)
    function.__signature__ = inspect.Signature(kept)
    setattr(owner, name, function)
"""


@dataclass(frozen=True)
class Change:
    """A change to llm: a line of Python that makes it, and the sentence that reports it."""

    line: str
    said: str


CHANGES = {
    "an_option": Change("without_option('prompt', 'fragments')", "`llm prompt` has no parameter “fragments”."),
    "a_command": Change("del cli.cli.commands['chat']", "options of chat changed: llm has no command “chat”."),
    "a_function": Change("del cli.load_conversation", "cli has no “load_conversation”."),
    "a_parameter": Change(
        "without_parameter(cli, 'load_conversation', 'database')", "cli.load_conversation has no parameter “database”."
    ),
    "a_parameter_of_a_method": Change(
        "without_parameter(models.Conversation, 'chain', 'messages')",
        "models.Conversation.chain has no parameter “messages”.",
    ),
    "a_method": Change(
        "del models.AsyncResponse._to_sync_response", "models.AsyncResponse has no “_to_sync_response”."
    ),
    "an_attribute_of_instances": Change(
        "without_attribute_of_instances(models.Response, 'done_callbacks')",
        "An instance of models.Response has no “done_callbacks”.",
    ),
    "a_class_that_ours_extends": Change(
        "del models.AsyncChainResponse", "module 'llm.models' has no attribute 'AsyncChainResponse'."
    ),
    "a_class_that_is_imported": Change("del logs.LogStore", "cannot import name 'LogStore' from 'llm.logs'"),
    "how_an_instance_is_made": Change(
        "without_parameter(models.Response, '__init__', 'stream')", "models.Response has no parameter “stream”."
    ),
}
"""One change of each kind."""

NOTICED = """
from llm_session_memory.llm_seam import shape

def problems(line):
    exec(line)
    return list(shape.problems())

found = {id_: in_fork(lambda: problems(line)) or ["the check itself failed"] for id_, line in work.items()}
"""


RUN_AFTER_EACH = """
from click.testing import CliRunner

def run(line, arguments):
    exec(line)
    done = CliRunner().invoke(cli.cli, arguments)
    return done.stdout, done.stderr, done.exit_code

found = [in_fork(lambda: run(*one)) or ["", "llm itself failed", -1] for one in work]
"""

ALTERED = ("an_option", "a_parameter", "a_class_that_ours_extends")
PLAIN = ("-m", "echo", "Hello")
IN_SESSION = ("-m", "echo", "--session", "work", "Hello")


@pytest.fixture(name="here", scope="module")
def _here(forking: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home for llm that has nothing yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LLM_USER_PATH", str(tmp_path_factory.mktemp("altered")))
        patch.setenv("LLM_RAISE_ERRORS", "")
        yield


@pytest.fixture(name="altered", scope="module")
def _altered(here: None) -> dict[str, tuple[Done, Done]]:
    """A plain prompt and one in a session after some of the changes, each in its own fork."""
    lines = {id_: CHANGES[id_].line for id_ in ALTERED}
    # llm's own function must still get a value for the option that is missing
    lines["an_option"] += "; cli.prompt.callback = __import__('functools').partial(cli.prompt.callback, fragments=())"
    work = [(line, arguments) for line in lines.values() for arguments in (PLAIN, IN_SESSION)]
    done = iter(Done(*one) for one in fresh_llm.found_by(TOOLS + RUN_AFTER_EACH, work))
    return {id_: (next(done), next(done)) for id_ in ALTERED}


@pytest.fixture(name="problems", scope="module")
def _problems(here: None) -> dict[str, list[str]]:
    """The problems that `shape` finds after each change, each made in its own process."""
    lines = {id_: change.line for id_, change in CHANGES.items()}
    found: dict[str, list[str]] = fresh_llm.found_by(TOOLS + NOTICED, lines)
    return found


def test_the_installed_llm_is_as_relied_on() -> None:
    """The installed llm has every command, parameter, method and attribute that `llm_seam` relies on."""
    found = list(shape.problems())
    assert found == [], f"llm has changed: {' '.join(found)} llm_session_memory/llm_seam relies on it."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each change is made in a fork")
@pytest.mark.parametrize("id_", CHANGES)
def test_each_kind_of_change_is_noticed(problems: dict[str, list[str]], id_: str) -> None:
    """A missing option, command, function, parameter, method, attribute or class is named in a sentence."""
    found = problems[id_]
    assert any(CHANGES[id_].said in sentence for sentence in found), found
    assert all(sentence.endswith(".") for sentence in found)


def test_imports_check_only_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import or export checks what it relies on, and a prompt is not refused because of it."""
    monkeypatch.setattr(shape, "_whole", set())  # nothing was checked yet in this process
    monkeypatch.delattr("llm.logs.resolve_payload")
    with pytest.raises(SeamBroken, match="logs has no “resolve_payload”"):
        shape.check("files")
    shape.check("sessions")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each change is made in a fork")
@pytest.mark.parametrize("id_", ALTERED)
def test_only_sessions_fail_with_a_changed_llm(altered: dict[str, tuple[Done, Done]], id_: str) -> None:
    """With a changed llm, a prompt without --session works; with it, one line says what is wrong and what to do."""
    plain, refused = altered[id_]
    assert '"prompt": "Hello"' in plain.ok().out
    assert refused.code == 1
    assert refused.out == ""
    assert refused.err.startswith("Error: llm ")
    assert f"has changed in a way that sessions do not support: {CHANGES[id_].said}" in refused.err
    assert refused.err.endswith("llm works without --session. Try: llm install -U llm-session-memory\n")
    assert refused.err.count("\n") == 1


# -- the lists are complete--------------------------------------------

SEAM = ROOT / "llm_session_memory" / "llm_seam"
LLMS = Path(llm.__file__).parent


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def private_names_of_llm() -> set[str]:
    """Return every private name that llm's own source gives to a function, class, variable or attribute."""
    found: set[str] = set()
    for path in LLMS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return {name for name in found if private(name)}


def used(tree: ast.Module) -> Iterator[str]:
    """Yield the private names that a module takes from anything other than itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from (alias.name for alias in node.names if private(alias.name))
        elif isinstance(node, ast.Attribute) and private(node.attr):
            if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")):
                yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("getattr", "setattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and private(str(name.value)):
                yield str(name.value)
        elif isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Attribute) for base in node.bases):
            yield from shared(node)


def shared(extension: ast.ClassDef) -> Iterator[str]:
    """Yield llm's private names in a class that extends one of llm's, where `self` and methods are llm's too."""
    theirs = private_names_of_llm()
    for node in ast.walk(extension):
        if isinstance(node, ast.Attribute) and node.attr in theirs:
            yield node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in theirs:
            yield node.name


MODULES = sorted(path.stem for path in SEAM.glob("*.py") if path.stem not in ("__init__", "shape"))


@pytest.mark.parametrize("module", MODULES)
def test_every_private_name_of_llm_that_is_used_is_listed(module: str) -> None:
    """Each private name that a module of `llm_seam` takes from llm is in its list, which `shape` reads."""
    names = set(used(ast.parse((SEAM / f"{module}.py").read_text("utf-8"))))
    listed = getattr(importlib.import_module(f"llm_session_memory.llm_seam.{module}"), "RELIED_ON", {})
    words = {word for owner, names in listed.items() for word in (owner.rpartition(".")[2], *names.split())}
    assert names <= words
    if listed:
        assert module in {name for use in shape.ROOMS.values() for name in use}


def test_no_other_part_takes_private_names_of_llm() -> None:
    """Nothing outside `llm_seam` uses a private name of llm's."""
    theirs = private_names_of_llm()
    packages = [
        path for name in ("llm_session_memory", "datasette_session_views") for path in (ROOT / name).rglob("*.py")
    ]
    for path in packages:
        text = path.read_text("utf-8")
        if SEAM not in path.parents and not theirs.isdisjoint(re.findall(r"\b_\w+", text)):  # parsing takes much longer
            assert not theirs.intersection(used(ast.parse(text))), path

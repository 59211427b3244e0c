"""Check that the installed llm still has everything that this package relies on.

Checked when a session is used. If llm has changed, llm itself keeps working and only sessions fail, with an error.

Each module lists what it relies on in its `RELIED_ON`, which maps owners to names. An owner is a path under `llm`,
“an instance of” a class, “parameters of” a function, or “options of” a command.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any

from ..errors import SeamBroken

_IN_SESSION = (
    *("conversation", "prompting", "prompted", "calls", "convert"),
    *("record", "rescue", "attempts", "creating", "models", "tables"),
)

ROOMS: Mapping[str, tuple[str, ...]] = {
    "sessions": ("command", *_IN_SESSION),
    "files": ("writing", "convert", "tables", "plain_continue"),
    "retry": ("retry",),
    "several": ("several",),
    "forks": ("forks",),
    "missing": ("missing",),
    "summaries": ("summaries",),
    "templates": ("templates",),
    "usage": ("usage",),
    "titles": ("titles", "summaries"),
    "deletion": ("template_fragments",),
    "programs": ("programs", *_IN_SESSION),
    "asking": ("asking", "tool_results", *_IN_SESSION),
    "workflows": ("workflow_asking", "templates", "asking", "tool_results", *_IN_SESSION),
    "rerun": ("rerunning", "asking", "tool_results", *_IN_SESSION),
    "batch": ("batching", "batch_runner", "handed_on", "asked_here", "asking", *_IN_SESSION),
    "meaning": ("embedder",),
    "remotes": ("keys",),
}
"""The modules of each use. They are imported by name, because a failed import is a problem to report too."""


_whole: set[str] = set()
"""The modules that `check` has found to have all that they need: a prompt asks for the same ones several times."""


def problems(*uses: str) -> Iterator[str]:
    """Yield a sentence for each missing part of llm that these uses need (by default, all uses)."""
    yield from _problems_of(_modules(uses))


def _modules(uses: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(module for use in uses or ROOMS for module in ROOMS[use]))


def _problems_of(modules: list[str]) -> Iterator[str]:
    wanted: dict[str, dict[str, None]] = {}
    for module in modules:
        try:
            relied_on: Mapping[str, str] = import_module(f".{module}", __package__).RELIED_ON
        except (ImportError, AttributeError) as error:
            yield f"{error}."
            continue
        for owner, names in relied_on.items():
            wanted.setdefault(owner, {}).update(dict.fromkeys(names.split()))
    for owner, names_of_all in wanted.items():  # once for all modules: many rely on a Response
        yield from _lacking(owner, names_of_all)


def check(*uses: str) -> None:
    """Raise SeamBroken if llm lacks something that these uses need."""
    modules = [module for module in _modules(uses) if module not in _whole]
    found = next(_problems_of(modules), None)
    if found:
        from importlib.metadata import version

        message = f"llm {version('llm')} has changed in a way that sessions do not support: {found}"
        raise SeamBroken(message, "llm works without --session. Try: llm install -U llm-session-memory")
    _whole.update(modules)


def _lacking(owner: str, names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each name that an owner lacks."""
    kind, _, path = owner.rpartition(" of ")
    look: Callable[[str], tuple[str, Callable[[str], bool]]] = _LOOKS[kind]
    try:
        says, has = look(path)
    except Exception as error:  # noqa: BLE001  whatever goes wrong when llm's parts are put together otherwise
        yield f"{owner} changed: {error}."
        return
    yield from (f"{says} “{name}”." for name in names if not has(name))


def _found(path: str) -> Any:
    """Return the object at a path such as “models.Response.text” or “llm.get_model”."""
    module, *names = path.split(".")
    found = import_module("llm" if module == "llm" else f"llm.{module}")
    for name in names:
        found = getattr(found, name)
    return found


def _attributes(path: str) -> tuple[str, Callable[[str], bool]]:
    owner = _found(path)
    return f"{path} has no", lambda name: hasattr(owner, name)


def _of_instance(path: str) -> tuple[str, Callable[[str], bool]]:
    made = _instance(path)

    def has(name: str) -> bool:
        return hasattr(made, name) or any(name in inspect.get_annotations(kind) for kind in type(made).__mro__)

    return f"An instance of {path} has no", has


def _parameters(path: str) -> tuple[str, Callable[[str], bool]]:
    found = _found(path)
    code = getattr(found, "__code__", None)
    if code is None or hasattr(found, "__wrapped__") or hasattr(found, "__signature__"):
        there: Collection[str] = inspect.signature(found).parameters
    else:  # a function just as it is written: reading its code takes a tenth of the time
        there = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return f"{path} has no parameter", there.__contains__


def _options(command: str) -> tuple[str, Callable[[str], bool]]:
    found = _found("cli.cli").commands.get(command)
    if found is None:
        raise LookupError(f"llm has no command “{command}”")
    there = {parameter.name for parameter in found.params}
    return f"`llm {command}` has no parameter", there.__contains__


_LOOKS = {"": _attributes, "an instance": _of_instance, "parameters": _parameters, "options": _options}


def _instance(path: str) -> Any:
    """Return an instance of one of llm's classes that does nothing."""
    import llm
    from llm import models

    class Nothing(llm.Model):
        model_id = "nothing"

        def execute(self, *arguments: Any, **parameters: Any) -> Any:
            raise NotImplementedError(arguments, parameters)

    def prompt() -> Any:
        return models.Prompt("", Nothing())

    def conversation() -> Any:
        return models.Conversation(model=Nothing())

    made: dict[str, Callable[[], Any]] = {
        "models.Prompt": prompt,
        "models.Conversation": conversation,
        "models.AsyncConversation": lambda: models.AsyncConversation(model=Nothing()),
        "models.Response": lambda: models.Response(prompt(), Nothing(), stream=False),
        "models.AsyncResponse": lambda: models.AsyncResponse(prompt(), Nothing(), stream=False),
        "models.ChainResponse": lambda: models.ChainResponse(
            prompt(), Nothing(), stream=False, conversation=conversation()
        ),
        "models.AsyncChainResponse": lambda: models.AsyncChainResponse(
            prompt(), Nothing(), stream=False, conversation=conversation()
        ),
        "models.ToolResult": lambda: models.ToolResult("nothing", ""),
        "llm.Tool": lambda: llm.Tool("nothing"),
    }
    return (made.get(path) or _found(path))()

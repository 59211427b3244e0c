"""What many tests begin with, made once in each process: the fixture runs for the first test, and others get a copy.

A session of some exchanges takes a tenth of a second or more to hold, and its files a thousandth to write again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from tests.world.scripted import Script

P = ParamSpec("P")
T = TypeVar("T")

Files = dict[str, tuple[bytes, int]]
"""The bytes and the mode of each file below a folder, by its path there."""


@dataclass(frozen=True)
class Made:
    """What a fixture found in llm's home, what it left there and in the script, and what it returned."""

    before: Files
    after: Files
    script: dict[str, Any]
    returned: Any


def once(make: Callable[P, T]) -> Callable[P, T]:
    """Let a fixture that only changes llm's home and the script run once for each parameter; later tests get a copy.

    It may return the script, a path in llm's home, or something that can be copied. All files have to be closed.
    """
    made: dict[Any, Made] = {}

    @wraps(make)
    def given(*args: P.args, **kwargs: P.kwargs) -> T:
        home = Path(os.environ["LLM_USER_PATH"])
        script = next((value for value in kwargs.values() if isinstance(value, Script)), Script())
        case = getattr(kwargs.get("request"), "param", None)
        before = _files(home)
        if case not in made:
            returned = make(*args, **kwargs)
            made[case] = Made(before, _files(home), deepcopy(vars(script)), _portable(returned, home))
            return returned
        kept = made[case]
        assert before == kept.before, "the first test began with other files than this one"
        _write(home, kept.after)
        vars(script).update(deepcopy(kept.script))
        return cast("T", _returned(kept.returned, home, script))

    return given


def _files(folder: Path) -> Files:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode) for path in paths}


def _write(folder: Path, files: Files) -> None:
    for name, (content, mode) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)


@dataclass(frozen=True)
class _InHome:
    """A path in llm's home, which is another folder for each test."""

    name: Path


def _portable(returned: Any, home: Path) -> Any:
    """Return what doesn't belong to the first test alone."""
    if isinstance(returned, Script):
        return Script
    return _InHome(returned.relative_to(home)) if isinstance(returned, Path) else deepcopy(returned)


def _returned(kept: Any, home: Path, script: Script) -> Any:
    """Return the same for this test."""
    if kept is Script:
        return script
    return home / kept.name if isinstance(kept, _InHome) else deepcopy(kept)

"""The values that a run is given: from -p, from the file's defaults, and from standard input, each with its type."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...errors import SessionError
from ...model.workflows import Input, Workflow
from ...rules.names import near
from ...store.file_at import at_home, file_at

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_SEVERAL = ("list", "files")


def given(workflow: Workflow, typed: Iterable[tuple[str, str]], *, piped: str | None, pipe: str) -> dict[str, Any]:
    """Return the value of each input.

    Args:
        workflow: The workflow, checked.
        typed: The names and values that were given with -p. Those of lists can come several times.
        piped: What was piped to the run, or None.
        pipe: The name of the input that gets what was piped, or "" if the workflow doesn't use it.

    Raises:
        SessionError: A value is missing, is not of its type, or belongs to no input.
    """
    known = dict(workflow.inputs)
    if pipe and pipe not in known:
        known[pipe] = Input(pipe, 0, description="what is piped to the run")
    texts: dict[str, list[str]] = {}
    for name, value in typed:
        if name not in known:
            alike = near(name, known)
            names = f"The inputs are: {', '.join(known)}." if known else "It has no inputs."
            hint = f"Did you mean “{alike}”?" if alike else names
            raise SessionError(f"This workflow has no input “{name}”.", hint)
        if name in texts and known[name].type not in _SEVERAL:
            raise SessionError(f"Input “{name}” was given twice.", "Leave out one of them.")
        texts.setdefault(name, []).append(value)
    if piped is not None and pipe and pipe not in texts:
        texts[pipe] = [piped]
    _check_complete(known, texts, pipe)
    return {name: _value(one, texts) for name, one in known.items()}


def _check_complete(known: Mapping[str, Input], texts: Mapping[str, Any], pipe: str) -> None:
    missing = [one for name, one in known.items() if name not in texts and one.default is None]
    if not missing:
        return
    first = missing[0]
    told = f" ({first.description})" if first.description else ""
    more = f" So do: {', '.join(one.name for one in missing[1:])}." if len(missing) > 1 else ""
    or_pipe = ", or pipe a text to the command" if first.name == pipe else ""
    raise SessionError(
        f"Input “{first.name}”{told} needs a value.{more}", f"Give it with: -p {first.name} VALUE{or_pipe}"
    )


def _value(one: Input, texts: Mapping[str, list[str]]) -> Any:
    values = texts.get(one.name)
    if values is None:
        return converted(one, one.default)
    return converted(one, values if one.type in _SEVERAL else values[0])


def converted(one: Input, value: Any, *, look: bool = True) -> Any:
    """Return the value of an input, given as text or as a value of YAML. Raises SessionError if it has another type.

    Files are looked up, relative to the current folder, unless `look` is False; their paths become absolute, so that a
    run can be resumed from anywhere.
    """
    found = _CONVERT[one.type](one, value, look)
    for part in found if isinstance(found, list) else [found]:
        if one.choices and str(part) not in one.choices:
            raise SessionError(f"Input “{one.name}” must be one of: {', '.join(one.choices)}.", f"It is “{part}”.")
    return found


def _wrong(one: Input, what: str) -> SessionError:
    return SessionError(f"Input “{one.name}” must be {what}.", "Correct its value.")


def _text(one: Input, value: Any, look: bool) -> str:  # noqa: FBT001  one signature for all types
    del look
    if isinstance(value, dict | list):
        raise _wrong(one, "a text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(one: Input, value: Any, look: bool) -> float:  # noqa: FBT001
    del look
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    if number - number != 0:  # not infinity or NaN
        raise _wrong(one, "a number")
    return int(number) if number.is_integer() else number


def _boolean(one: Input, value: Any, look: bool) -> bool:  # noqa: FBT001
    del look
    truth = _TRUTHS.get(str(value).strip().lower())
    if truth is None:
        raise _wrong(one, "true or false")
    return truth


def _list(one: Input, value: Any, look: bool) -> list[Any]:  # noqa: FBT001
    """Return a list: a JSON list, or texts that are separated by commas or given one by one."""
    del look
    found: list[Any] = []
    for part in value if isinstance(value, list) else [value]:
        if not isinstance(part, str):
            found.append(part)
        elif part.strip().startswith("["):
            found += _read(one, part, "a list")
        else:
            found += [text.strip() for text in part.split(",") if text.strip()]
    return found


def _json(one: Input, value: Any, look: bool) -> Any:  # noqa: FBT001
    del look
    return _read(one, value, "JSON") if isinstance(value, str) else value


def _read(one: Input, text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong(one, what) from error


def _file(one: Input, value: Any, look: bool) -> str:  # noqa: FBT001
    path = at_home(_text(one, value, look))
    if not look:
        return str(path)
    if not file_at(path):
        raise SessionError(f"Input “{one.name}”: File {path} not found.", "Check its path.")
    return str(path.absolute())


def _files(one: Input, value: Any, look: bool) -> list[str]:  # noqa: FBT001
    """Return the paths of files, each once, sorted as their patterns come."""
    patterns = [_text(one, part, look) for part in (value if isinstance(value, list) else [value])]
    if not look:
        return patterns
    found: list[str] = []
    for pattern in patterns:
        path = at_home(pattern)
        names = [path] if file_at(path) else [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]  # noqa: PTH207  absolute patterns too
        files = [str(name.absolute()) for name in names if file_at(name)]
        if not files:
            raise SessionError(f"Input “{one.name}”: No file matches {pattern}.", "Check the path or pattern.")
        found += files
    return list(dict.fromkeys(found))


_CONVERT = {
    "text": _text,
    "number": _number,
    "boolean": _boolean,
    "list": _list,
    "json": _json,
    "file": _file,
    "files": _files,
}

"""llm's key store, `keys.json`, where the passwords of remotes are kept. `llm keys set` writes there too."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import SessionError

RELIED_ON = {"llm": "load_keys user_dir"}
"""The parts of llm that this module relies on (see `shape`)."""

_FIRST = {"// Note": "This file stores secret API credentials. Do not share!"}
"""What llm itself begins the file with."""


def key(alias: str) -> str:
    """Return the key that llm has under an alias. Raises SessionError if there is none."""
    found = _all().get(alias)
    if not isinstance(found, str) or not found.strip():
        raise SessionError(f"llm has no key “{alias}”.", f"Set it with: llm keys set {_quoted(alias)}")
    return found.strip()


def has(alias: str) -> bool:
    """Return whether llm has a key under an alias."""
    return alias in _all()


def keep(alias: str, value: str) -> str:
    """Add a key to llm's keys, and return its alias: with a number behind it if another key has that alias.

    The file is replaced whole, and only its owner can read it. Raises SessionError if it can't be read or written.
    """
    keys = {**_FIRST, **_all()}
    number, name = 1, alias
    while keys.get(name, value) != value:
        number += 1
        name = f"{alias}-{number}"
    if name not in keys:
        _write(_path(), {**keys, name: value})
    return name


def _all() -> dict[str, Any]:
    import llm

    try:
        found = llm.load_keys()
    except (OSError, ValueError) as error:
        raise SessionError(f"llm's keys in {_path()} can't be read.", "Repair that file, or move it away.") from error
    return found if isinstance(found, dict) else {}


def _path() -> Path:
    import llm

    return Path(llm.user_dir()) / "keys.json"


def _write(path: Path, keys: dict[str, Any]) -> None:
    path = path.resolve()  # a link stays one
    try:
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=".keys-")  # only the owner can read it
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(keys, indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(beside).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(beside).unlink()
            raise
    except OSError as error:
        message = f"The password can't be stored in {path}: {(error.strerror or str(error)).lower()}."
        raise SessionError(message, "Leave it out of the address, and set LLM_REMOTE_NAME instead.") from error


def _quoted(alias: str) -> str:
    import shlex

    return shlex.quote(alias)

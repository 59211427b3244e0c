"""Python and some libraries without work that no test needs: it is imported before anything else.

Python doesn't search for garbage while it imports and collects tests, which takes a third of that time and finds
none. SQLite doesn't count bytes. sqlite-utils doesn't look for pandas. httpx reads the certificates once, llm looks at
its own tools once, and nobody asks for models where no server is.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from functools import cache, wraps
from typing import Any

gc.disable()  # conftest enables it when all tests are collected

_MEMORY_STATUS = 9
"""SQLITE_CONFIG_MEMSTATUS, of sqlite3.h."""


def _without_statistics() -> bool:
    """Let SQLite allocate memory without a lock that counts it; return whether it does."""
    name = "libsqlite3.dylib" if sys.platform == "darwin" else "libsqlite3.so.0"
    try:
        return bool(ctypes.CDLL(name).sqlite3_config(_MEMORY_STATUS, 0) == 0)
    except (OSError, AttributeError):  # Python has a SQLite of its own
        return False


def _without_pandas() -> None:
    """Import sqlite-utils, which tries to import pandas and takes half a second for it. Statistics import it later."""
    if "pandas" not in sys.modules:
        sys.modules["pandas"] = None  # type: ignore[assignment]
        importlib.import_module("sqlite_utils.db")
        del sys.modules["pandas"]


WITHOUT_STATISTICS = _without_statistics()
"""Whether SQLite counts no bytes: it can only be told so before sqlite3 is imported.

Only programs that ask how much memory SQLite uses need the count. It takes a twentieth of a run of all tests.
"""

_without_pandas()


def install() -> None:
    """Take all shortcuts in this process that need httpx or llm."""
    with_one_certificate_store()
    with_one_schema_of_each_tool()
    with_no_question_to_nobody()


def with_one_certificate_store() -> None:
    """Let all clients of httpx use the certificates that the first one read.

    Each command makes a client, if only to find no Ollama.
    """
    from httpx._transports import default

    default.create_ssl_context = cache(default.create_ssl_context)  # type: ignore[attr-defined]


NOBODY = "http://127.0.0.1:9"
"""Where a test's Ollama is unless it starts one: nothing listens there."""


def with_no_question_to_nobody() -> None:
    """Let llm-ollama find no models at NOBODY without asking, as each command would. Other addresses are asked."""
    from llm_ollama import registry

    ask: Callable[[], list[dict[str, Any]]] = registry.get_ollama_models

    @wraps(ask)
    def models() -> list[dict[str, Any]]:
        return [] if os.environ.get("OLLAMA_HOST") == NOBODY else ask()

    registry.get_ollama_models = models


def with_one_schema_of_each_tool() -> None:
    """Let llm make the schemas of its own tools once, and not for every prompt. Those of others it makes each time."""
    from llm import models, tools

    make: Callable[[Any, Any], Any] = models._get_arguments_input_schema

    @cache
    def made(function: Any, name: Any) -> Any:
        return models._ensure_dict_schema(make(function, name))

    def schema(function: Any, name: Any) -> Any:
        return deepcopy(made(function, name)) if function.__module__ == tools.__name__ else make(function, name)

    models._get_arguments_input_schema = schema

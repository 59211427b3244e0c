"""llm loaded once more in a fork, with the plugins that the environment names, in a tenth of the time of a new process.

Nine tenths of the second that llm takes to start go into the packages that it imports. The fork keeps those, and
forgets llm, its plugins and us; a program then imports what it needs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from tests.world.processes import forked

FORGOTTEN = ("llm", "llm_echo", "llm_ollama", "llm_session_memory")
"""The packages that a program loads anew."""


def found_by(program: str, work: Any = None) -> Any:
    """Run a program in a fork with this environment, in which llm is not loaded; return the value of its name `found`.

    The program has the names `work` and `in_fork`. Raises AssertionError with the traceback if it fails.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = forked(_run, program, work, theirs)
    theirs.close()
    try:
        found, trace = ours.recv()
    except EOFError:
        found, trace = None, "the process ended"
    finally:
        process.join()
        ours.close()
    assert not trace, trace
    return found


def _run(program: str, work: Any, results: Connection) -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] in FORGOTTEN:
            del sys.modules[name]
    names = {"work": work, "in_fork": in_fork}
    try:
        exec(program, names)
        results.send((names["found"], ""))
    except Exception:  # noqa: BLE001  the test shows it
        results.send((None, traceback.format_exc()))


def in_fork(work: Callable[[], Any]) -> Any:
    """Return the result of some work in a fork of this process, which stays as it is; or None if the work fails."""
    reader, writer = os.pipe()
    if not os.fork():
        os.close(reader)
        try:
            result = json.dumps(work())
            with os.fdopen(writer, "w") as told:
                told.write(result)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        text = told.read()
    os.wait()
    return json.loads(text) if text else None

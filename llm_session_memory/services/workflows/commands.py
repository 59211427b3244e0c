"""Run the command of a `shell` step: only if the person allowed it, and with values through stdin and env alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from ...errors import SessionError
from ...model.workflows import Step
from ...rules.safe_text import one_line

MOST_OUTPUT = 10_000_000
"""How many characters of output a command may have: templates and the log hold it as a whole."""


class StepFailed(SessionError):
    """A step whose command failed, or whose answer can't be used."""


def run(step: Step, stdin: str, env: Mapping[str, str]) -> str:
    """Run a step's command in the current folder and return what it prints. Raises StepFailed."""
    assert step.shell is not None
    try:
        process = subprocess.Popen(  # noqa: S602  the person wrote the command and allowed it; no value is put into it
            step.shell,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env},
            **_APART,
        )
    except (OSError, ValueError) as error:
        raise StepFailed(f"The command can't be run: {error}.") from error
    with process:
        try:
            out, err = process.communicate(stdin.encode("utf-8", "replace"), timeout=step.timeout)
        except subprocess.TimeoutExpired as error:
            _end(process)
            raise StepFailed(
                f"The command took longer than {step.timeout:g} seconds.", "Give the step a longer timeout."
            ) from error
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        said = err.decode("utf-8", "replace").strip().splitlines()
        why = f": {one_line(said[-1], 300)}" if said else "."
        raise StepFailed(f"The command ended with exit status {process.returncode}{why}")
    text: str = out.decode("utf-8", "replace")
    if len(text) > MOST_OUTPUT:
        raise StepFailed(f"The command printed more than {MOST_OUTPUT:,} characters.", "Make it print less.")
    return text.rstrip("\n")


_APART: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
"""A command has a group of its own, so that it and what it started can be ended, and Ctrl-C lets it finish."""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and all that it started."""
    with contextlib.suppress(OSError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()

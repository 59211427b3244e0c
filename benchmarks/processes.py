"""Run a command and measure it from outside: wall time, processor time, peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ECHO = "llm-echo"
OURS = "llm-echo,llm-session-memory"
"""Values of LLM_LOAD_PLUGINS: llm without our plugin, and with it."""

_LLM = """
import runpy, sys
sys.modules["numpy"] = sys.modules["pandas"] = None
runpy.run_module("llm", run_name="__main__", alter_sys=True)
"""
"""llm as most people have it. sqlite-utils imports NumPy and pandas if they are there, as they are for our tests. They
take nearly as long as everything else that llm imports, so all ratios to llm's time would be too good."""


@dataclass(frozen=True)
class Measured:
    """One finished process: seconds of wall time, seconds of processor time (user and system), peak memory in MB."""

    wall: float
    processor: float
    peak: float


@dataclass(frozen=True)
class Case:
    """A command to measure: the arguments of `llm`, the plugins it loads, and the preparation before each run."""

    name: str
    arguments: Sequence[str]
    plugins: str
    before: Callable[[], object] = lambda: None


def run(case: Case, user_path: Path) -> Measured:
    """Run `llm` once. Discard its output; a failure ends the measurement.

    Bytecode is kept between runs, as for an installed package (PYTHONDONTWRITEBYTECODE would prevent that).
    """
    others = ("LLM_", "OLLAMA_", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    environment |= {"LLM_LOAD_PLUGINS": case.plugins, "LLM_USER_PATH": str(user_path), "LLM_RECALL_MODEL": "none"}
    case.before()
    command = [sys.executable, "-c", _LLM, *case.arguments]
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            sys.exit(f"{case.name}: llm ended with {process.returncode}\n{said.read().decode()}")
    a_megabyte = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes on macOS, in kilobytes elsewhere
    return Measured(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / a_megabyte)


def interleaved(cases: Sequence[Case], times: int, user_path: Path) -> Mapping[str, list[Measured]]:
    """Run all cases in turn, `times` times, so that other load on the machine affects all of them alike.

    Every other round runs in reverse order. A first round warms the caches and does not count.
    """
    found: dict[str, list[Measured]] = {case.name: [] for case in cases}
    for number in range(times + 1):
        for case in cases if number % 2 else reversed(cases):
            measured = run(case, user_path)
            if number:
                found[case.name].append(measured)
    return found


def median(measured: Sequence[Measured]) -> Measured:
    """Return the medians."""
    return Measured(
        statistics.median(m.wall for m in measured),
        statistics.median(m.processor for m in measured),
        statistics.median(m.peak for m in measured),
    )


def ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Measured:
    """Return the medians of the ratios of each round, because a slow round affects both of its figures."""
    pairs = list(zip(ours, theirs, strict=True))
    return Measured(
        statistics.median(a.wall / b.wall for a, b in pairs),
        statistics.median(a.processor / b.processor for a, b in pairs),
        statistics.median(a.peak / b.peak for a, b in pairs),
    )

"""Workers with a slow model in processes, to kill them: `python -m tests.world.remote_work ASKED SECONDS …`.

What follows are the arguments of `llm sessions worker`. The model appends each prompt to the file ASKED before it
answers, so that prompts can be counted that were asked and whose process was killed before their answers were logged.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llm
from llm.plugins import pm

from tests.world.job_work import SlowModel


class SlowModels:
    """A plugin of llm with the slow model."""

    def __init__(self, asked: Path, seconds: float) -> None:
        self._model = SlowModel(asked, seconds)

    @llm.hookimpl
    def register_models(self, register: Any) -> None:
        """Give llm the model."""
        register(self._model)


class Crowd:
    """Worker processes, each with a folder of its own as its machine."""

    def __init__(self, folder: Path, address: str, *, jobs: int, seconds: float, dead_after: int) -> None:
        self.asked = folder / "asked"
        self._folder, self._address = folder, address
        self._rest = [str(self.asked), str(seconds), address, "-j", str(jobs), "--dead-after", str(dead_after)]
        self._running: list[subprocess.Popen[bytes]] = []
        self.killed = 0

    def start(self, *more: str) -> subprocess.Popen[bytes]:
        """Start a worker on a machine that has no log."""
        home = self._folder / f"machine-{len(self._running) + self.killed}"
        home.mkdir()
        environment = {**os.environ, "LLM_USER_PATH": str(home), "LLM_LOAD_PLUGINS": "llm-session-memory"}
        with (home / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.world.remote_work", *self._rest, *more],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self._running.append(process)
        return process

    def kill(self, one: subprocess.Popen[bytes]) -> None:
        """Kill a worker as a crash would."""
        one.kill()
        one.wait()
        self._running.remove(one)
        self.killed += 1

    def kill_at_random(self, kills: int, pause: Callable[[], float], chance: random.Random) -> None:
        """Kill random workers at random moments, each of them is followed by a new one."""
        for _ in range(kills):
            time.sleep(pause())
            self.kill(chance.choice(self._running))
            self.start()

    def end(self) -> None:
        """Kill all that are still running."""
        for one in [*self._running]:
            self.kill(one)


if __name__ == "__main__":
    from llm.cli import cli

    pm.register(SlowModels(Path(sys.argv[1]), float(sys.argv[2])))
    cli(["sessions", "worker", *sys.argv[3:]])

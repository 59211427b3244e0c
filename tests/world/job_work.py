"""Work on a job in a process of its own, to kill it: `python -m tests.world.job_work LOG JOB ASKED WORKERS SECONDS`.

Each prompt is asked of a model in the process. Before it answers it appends the item's number to the file ASKED, so
that prompts can be counted that were asked and whose process was killed before their answers were logged.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llm

from llm_session_memory.llm_seam.asking import Question, ask
from llm_session_memory.llm_seam.working import Also, work
from llm_session_memory.model import Settings
from llm_session_memory.model.jobs import Item, Job
from llm_session_memory.services.bundle import Services


class SlowModel(llm.Model):
    """A model that writes down what it was asked, waits, and repeats it."""

    can_stream = True

    def __init__(self, asked: Path, seconds: float) -> None:
        self.model_id = "slow"
        self._asked = os.open(asked, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._seconds = seconds

    def execute(self, prompt: llm.Prompt, stream: bool, response: Any, conversation: Any) -> Iterator[str]:
        """Yield the prompt."""
        os.write(self._asked, f"{prompt.prompt}\n".encode())
        time.sleep(self._seconds)
        yield str(prompt.prompt)
        response.set_usage(input=1, output=1)


def make(path: Path, count: int, model: str = "slow") -> Job:
    """Keep a job of this many prompts, all for one session; its prompts are the items' numbers."""
    with Services.open(path) as services:
        session = services.sessions.create("job", settings=Settings(model=model))
        made = services.jobs.new("batch", "job", {"model": model}, thread_id=session.thread_id)
        return services.jobs.add(made, (Item("", n, f"key {n}", {"prompt": str(n)}) for n in range(1, count + 1)))


def main(path: Path, name: str, asked: Path, workers: int, seconds: float) -> None:
    """Resume a job and work on it to its end, with a model that takes so many seconds."""
    resume(path, name, SlowModel(asked, seconds), workers)


def resume(path: Path, name: str, model: Any, workers: int) -> None:
    """Resume a job and work on it to its end."""

    def run(services: Services, item: Item, also: Also) -> None:
        session = services.sessions.get("job")
        question = Question(str(item.input["prompt"]), context="none")
        ask(services, session, question, model, also=also, keep_attempt=False)

    with Services.open(path) as services:
        job = services.jobs.resume(services.jobs.get(name))
    work(path, job, run, jobs=workers)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))

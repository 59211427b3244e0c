"""A log of 1,000,000 messages in 100,000 conversations: `python -m benchmarks.large FILE [--exchanges N --threads N]`.

Three conversations are sessions to measure: `small` with 10 exchanges, `middle` with 1,000, `large` with 10,000. The
others have about five exchanges, and every tenth is a session too. llm's own writer writes all rows of llm's tables,
words are as frequent as in prose (Zipf), and everything is in the full-text index.

With `--measure`, time contexts in it instead: how long `memory.requests.context` takes with recall.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

from benchmarks import machine
from benchmarks.generate import _SYLLABLES, MODEL, Talk, _conversation, _response, _writer

SESSIONS = {"small": 10, "middle": 1_000, "large": 10_000}
_VOCABULARY = 30_000
_PROMPTS = 40


class Prose(Talk):
    """Texts whose words are as frequent as in prose."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        made = random.Random(7)
        words = {"".join(made.choices(_SYLLABLES, k=made.randint(2, 5))) for _ in range(2 * _VOCABULARY)}
        self._vocabulary = sorted(words)[:_VOCABULARY]
        made.shuffle(self._vocabulary)
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(_VOCABULARY)))

    def _text(self, characters: int) -> str:
        wanted = self._random.uniform(0.6, 1.4) * characters
        words = self._random.choices(self._vocabulary, cum_weights=self._weights, k=int(wanted / 7) + 1)
        return " ".join(words).capitalize() + "."

    def question(self) -> str:
        """Return a prompt of about ten words."""
        return self._text(70)


def write(path: Path, exchanges: int, threads: int, seed: int = 1) -> None:
    """Write the log. Other seeds make other texts."""
    import sqlite_utils

    from llm_session_memory.model import Settings
    from llm_session_memory.services.bundle import Services
    from llm_session_memory.services.desk import Desk
    from llm_session_memory.store import Log
    from llm_session_memory.store.index import Index

    database = sqlite_utils.Database(path)
    database.conn.execute("pragma synchronous = off")
    talk = Prose(seed)
    memory = Services(Desk(Log(database, path)))
    writer = _writer(database)
    memory.desk.prepare()
    sizes = [*SESSIONS.values(), *_sizes(exchanges - sum(SESSIONS.values()), threads - len(SESSIONS))]
    names = list(SESSIONS)
    for number, size in enumerate(sizes):
        with database.atomic():
            conversation = _conversation()
            writer.tip = None
            for prompt, reply in talk.exchanges(size):
                writer.log(_response(conversation, prompt, reply))
            if number < len(names) or number % 10 == 0:
                name = names[number] if number < len(names) else f"session-{number}"
                memory.sessions.create(name, str(conversation.id), Settings(model=MODEL))
        if number % 5_000 == 0:
            print(f"{number:,} of {threads:,} conversations", file=sys.stderr)
    rows = database.query("select id from threads")
    index = Index(memory.desk.log)
    for row in list(rows):
        index.catch_up(row["id"])
    database.close()


def _sizes(exchanges: int, threads: int) -> Iterator[int]:
    """Yield sizes of conversations that add up to a number of exchanges."""
    for left in range(threads, 0, -1):
        size = (
            max(1, round(exchanges / left)) if left == 1 else max(1, min(exchanges, random.Random(left).randint(1, 9)))
        )
        exchanges -= size
        yield size


def measure(path: Path, small: Path | None) -> None:
    """Print how long contexts take, in milliseconds."""
    from llm_session_memory.memory import Memory

    print(f"{machine.description()}.\n")
    rows: list[list[object]] = []
    for label, log in (("this log", path), *([("a small log", small)] if small else [])):
        with Memory(log) as memory:
            for name in SESSIONS if label == "this log" else ["small"]:
                talk = Prose(3)
                times = [_timed(lambda: memory.requests.context(name, talk.question(), 4_000)) for _ in range(_PROMPTS)]  # noqa: B023  called at once
                row = [f"{_percentile(column):.1f}" for column in zip(*times, strict=True)]
                median = statistics.median(wall for wall, _ in times)
                rows.append([label, name, f"{median:.1f}", *row])
    headers = ["log", "session", "median, ms", "95th percentile, ms", "95th percentile, processor ms"]
    print(machine.table(headers, rows))


def _percentile(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _timed(ask: Callable[[], object]) -> tuple[float, float]:
    """Return wall and processor time of a call, in milliseconds."""
    began, worked = time.perf_counter(), time.process_time()
    ask()
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)


def main() -> None:
    """Write a log, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--exchanges", type=int, default=500_000)
    parser.add_argument("--threads", type=int, default=100_000)
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--beside", type=Path, help="a small log to measure for comparison")
    asked = parser.parse_args()
    if asked.measure:
        measure(asked.file, asked.beside)
    else:
        write(asked.file, asked.exchanges, asked.threads)


if __name__ == "__main__":
    main()

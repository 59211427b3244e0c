"""The pages in Datasette, through HTTP, on a log of a million messages: `python -m benchmarks.views`.

Starts the Datasette of this environment on a generated log, requests each page many times in random places, and prints
median, 95th percentile and the server's processor time for a page, next to those of Datasette's own page of the table
`turns`. “Just written to” means that something was written to the log before each request, so that nothing is served
from a cache. Then measures the first look at the context of exchange 10,000, in its own server, and the growth of the
server's memory over 1,000 pages.
"""

from __future__ import annotations

import json
import os
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from benchmarks.views_log import COMMON, LONG, RARE, write

_ROUNDS = 40
_PAGES = 1_000


def main() -> None:
    """Measure and print the tables."""
    folder = Path(os.environ.get("BENCHMARK_LOGS", tempfile.gettempdir())) / "llm-sessions-views"
    path, plain = folder / "logs.db", folder / "plain" / "logs.db"
    _made(path)
    _made(plain, turns=2 * LONG, conversations=300, sessions=False)
    with _serving(path) as server:
        print(description())
        version = json.loads(server.get("/-/versions.json"))["datasette"]["version"]
        print(f"Datasette {version}, {_ROUNDS} requests per page\n")
        stock = _measure(server, lambda _: "/logs/turns", rounds=10)
        print("| page | median ms | p95 ms | processor ms | of stock `turns` |\n| --- | --: | --: | --: | --: |")
        for name, address in {"stock `turns`": lambda _: "/logs/turns", **_addresses(server.get)}.items():
            _print(name, _measure(server, address, rounds=10 if name.startswith("stock") else _ROUNDS), stock)
        for name, address in _WRITTEN.items():
            _print(f"{name}, just written to", _measure(server, address, rounds=12, before=lambda: _touch(path)), stock)
        _grow(server)
    print("\n| first look at the context of exchange 10,000 | ms | processor ms |\n| --- | --: | --: |")
    for name, log in (("a session, this log", path), ("plain llm's, 20,000 calls", plain)):
        took = min(_first(log) for _ in range(5))
        print(f"| {name} | {took[1]:.0f} | {took[0]:.0f} |")


def _made(path: Path, **asked: Any) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        write(unfinished, **asked)
        unfinished.rename(path)


def _touch(path: Path) -> None:
    """Write to a log without changing anything that anyone reads."""
    connection = sqlite3.connect(path)
    (version,) = connection.execute("pragma user_version").fetchone()
    connection.execute(f"pragma user_version = {version + 1}")
    connection.close()


def _longest(path: Path) -> tuple[str, int]:
    """Return the longest conversation of a log and the number of its exchanges."""
    connection = sqlite3.connect(path)
    sql = "select thread_id, count(*) as calls from turns group by thread_id order by calls desc limit 1"
    thread_id, calls = connection.execute(sql).fetchone()
    connection.close()
    return thread_id, calls


def _first(path: Path) -> tuple[float, float]:
    """Return the processor and wall time of the first look at the last context of a long conversation."""
    thread_id, calls = _longest(path)
    with _serving(path) as server:
        server.get("/logs/-/sessions")
        other = json.loads(server.get("/logs/-/sessions.json?sort=exchanges"))["sessions"][1]["thread_id"]
        server.get(f"/logs/-/session/{other}/context/2")
        before, began = server.processor(), time.perf_counter()
        server.get(f"/logs/-/session/{thread_id}/context/{calls}")
        return server.processor() - before, (time.perf_counter() - began) * 1000


_WRITTEN: dict[str, Callable[[random.Random], str]] = {
    "list": lambda _: "/logs/-/sessions",
    "list by tokens": lambda _: "/logs/-/sessions?sort=tokens",
    "list by exchanges": lambda _: "/logs/-/sessions?sort=exchanges",
    "transcript of 10,000, newest": lambda _: "/logs/-/session/long",
    "dashboard": lambda _: "/logs/-/sessions/analytics",
    "dashboard, all time": lambda _: "/logs/-/sessions/analytics?since=all",
}


def _addresses(get: Callable[[str], bytes]) -> dict[str, Callable[[random.Random], str]]:
    contexts = json.loads(get("/logs/-/session/long.json?from=1"))["exchanges_in_all"]
    threads = [line["thread_id"] for line in json.loads(get("/logs/-/sessions.json"))["sessions"]]
    return {
        "list": lambda _: "/logs/-/sessions",
        "list, from a random place": lambda rng: f"/logs/-/sessions?next=0{rng.choice('12')}{rng.randrange(10**9)}",
        "list, one model": lambda _: "/logs/-/sessions?model=gpt-4o",
        "list, words without a match": lambda rng: f"/logs/-/sessions?q=nothing+{rng.random()}",
        "list by tokens": lambda _: "/logs/-/sessions?sort=tokens",
        "list by exchanges": lambda _: "/logs/-/sessions?sort=exchanges",
        "transcript of a random conversation": lambda rng: f"/logs/-/session/{rng.choice(threads)}",
        "transcript of 50 exchanges": lambda _: "/logs/-/session/short",
        "transcript of 10,000, newest": lambda _: "/logs/-/session/long",
        "transcript of 10,000, anywhere": lambda rng: f"/logs/-/session/long?from={rng.randrange(1, LONG)}",
        "context of exchange 10,000": lambda _: f"/logs/-/session/long/context/{contexts}",
        "context of any exchange of 10,000": lambda rng: f"/logs/-/session/long/context/{rng.randrange(1, contexts)}",
        "dashboard (the last 90 days)": lambda _: "/logs/-/sessions/analytics",
        "dashboard, all time": lambda _: "/logs/-/sessions/analytics?since=all",
        "search for a rare word": lambda _: f"/logs/-/sessions/search?q={RARE}",
        "search for a common word": lambda _: f"/logs/-/sessions/search?q={COMMON}",
        "search for a common word, newest": lambda _: f"/logs/-/sessions/search?q={COMMON}&sort=newest",
        "search within 10,000 exchanges": lambda _: f"/logs/-/sessions/search?q={RARE}&session=long",
    }


@dataclass(frozen=True)
class _Server:
    """A running server: how to send it a request, and what it has used so far."""

    get: Callable[[str], bytes]
    process: int

    def resident(self) -> float:
        """Return the server's memory in megabytes."""
        status = Path(f"/proc/{self.process}/status").read_text("utf-8")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def processor(self) -> float:
        """Return the server's processor time so far in milliseconds, with a resolution of 10 ms."""
        fields = Path(f"/proc/{self.process}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


_Taken = tuple[float, float, float]
"""Median and 95th percentile of wall time, and mean processor time, in milliseconds."""


def _measure(
    server: _Server,
    address: Callable[[random.Random], str],
    rounds: int = _ROUNDS,
    before: Callable[[], None] = lambda: None,
) -> _Taken:
    rng, taken = random.Random(1), []
    server.get(address(rng))
    worked = server.processor()
    for _ in range(rounds):
        before()
        began = time.perf_counter()
        server.get(address(rng))
        taken.append((time.perf_counter() - began) * 1000)
    mean = (server.processor() - worked) / rounds
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1], mean


def _print(name: str, taken: _Taken, stock: _Taken) -> None:
    median, worst, worked = taken
    print(f"| {name} | {median:.0f} | {worst:.0f} | {worked:.0f} | {median / stock[0]:.2f} |", flush=True)


def _grow(server: _Server) -> None:
    rng = random.Random(2)
    slow = ("tokens", "exchanges", "dashboard")
    addresses = [made for name, made in _addresses(server.get).items() if not any(word in name for word in slow)]
    before = server.resident()
    for number in range(_PAGES):
        server.get(addresses[number % len(addresses)](rng))
    print(f"\nMemory over {_PAGES:,} pages: {before:.0f} MB, then {server.resident():.0f} MB.")


@contextmanager
def _serving(path: Path) -> Iterator[_Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def get(address: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{address}") as answer:
                body: bytes = answer.read()
                return body

        _wait(get)
        yield _Server(get, process.pid)
        process.terminate()


def _wait(get: Callable[[str], bytes]) -> None:
    for _ in range(300):
        if _answers(get):
            return
        time.sleep(0.1)


def _answers(get: Callable[[str], bytes]) -> bool:
    try:
        get("/-/versions.json")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()

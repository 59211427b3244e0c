"""The pages in Datasette, through HTTP, on a log of a million messages: `python -m benchmarks.views`.

Starts the Datasette of this environment on a generated log, asks for each page many times in random places, and prints
median and 95th percentile, beside the same of Datasette's own page of the table `turns`; then the growth of the
server's memory over 1,000 pages.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .machine import description
from .views_log import COMMON, LONG, RARE, write

_ROUNDS = 40
_PAGES = 1_000


def main() -> None:
    """Measure, and print a table."""
    folder = Path(os.environ.get("BENCHMARK_LOGS", tempfile.gettempdir())) / "llm-sessions-views"
    path = folder / "logs.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        write(unfinished)
        unfinished.rename(path)
    with _serving(path) as (get, resident):
        print(description())
        print(f"Datasette {json.loads(get('/-/versions.json'))['datasette']['version']}, {_ROUNDS} requests a page\n")
        stock = _measure(get, lambda _: "/logs/turns", rounds=10)
        print(f"| page | median ms | p95 ms | of stock `turns` ({stock[0]:.0f} ms) |\n| --- | --: | --: | --: |")
        for name, address in _addresses(get).items():
            median, worst = _measure(get, address)
            print(f"| {name} | {median:.0f} | {worst:.0f} | {median / stock[0]:.2f} |")
        _grow(get, resident)


def _addresses(get: Callable[[str], bytes]) -> dict[str, Callable[[random.Random], str]]:
    threads = [line["thread_id"] for line in json.loads(get("/logs/-/sessions.json"))["sessions"]]
    return {
        "list": lambda _: "/logs/-/sessions",
        "list, from a random place": lambda rng: f"/logs/-/sessions?next=0{rng.choice('12')}{rng.randrange(10**9)}",
        "list, one model": lambda _: "/logs/-/sessions?model=gpt-4o",
        "list, words that nothing has": lambda rng: f"/logs/-/sessions?q=nothing+{rng.random()}",
        "list by tokens": lambda _: "/logs/-/sessions?sort=tokens",
        "list by exchanges": lambda _: "/logs/-/sessions?sort=exchanges",
        "transcript of a random conversation": lambda rng: f"/logs/-/session/{rng.choice(threads)}",
        "transcript of 50 exchanges": lambda _: "/logs/-/session/short",
        "transcript of 10,000, newest": lambda _: "/logs/-/session/long",
        "transcript of 10,000, anywhere": lambda rng: f"/logs/-/session/long?from={rng.randrange(1, LONG)}",
        "search for a rare word": lambda _: f"/logs/-/sessions/search?q={RARE}",
        "search for a common word": lambda _: f"/logs/-/sessions/search?q={COMMON}",
        "search for a common word, newest": lambda _: f"/logs/-/sessions/search?q={COMMON}&sort=newest",
        "search within 10,000 exchanges": lambda _: f"/logs/-/sessions/search?q={RARE}&session=long",
    }


def _measure(
    get: Callable[[str], bytes], address: Callable[[random.Random], str], rounds: int = _ROUNDS
) -> tuple[float, float]:
    rng, taken = random.Random(1), []
    get(address(rng))
    for _ in range(rounds):
        began = time.perf_counter()
        get(address(rng))
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def _grow(get: Callable[[str], bytes], resident: Callable[[], float]) -> None:
    rng = random.Random(2)
    addresses = [made for name, made in _addresses(get).items() if "tokens" not in name and "exchanges" not in name]
    before = resident()
    for number in range(_PAGES):
        get(addresses[number % len(addresses)](rng))
    print(f"\nMemory over {_PAGES:,} pages: {before:.0f} MB, then {resident():.0f} MB.")


@contextmanager
def _serving(path: Path) -> Iterator[tuple[Callable[[str], bytes], Callable[[], float]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:

        def get(address: str) -> bytes:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{address}") as answer:
                body: bytes = answer.read()
                return body

        def resident() -> float:
            status = Path(f"/proc/{server.pid}/status").read_text("utf-8")
            return int(status.partition("VmRSS:")[2].split()[0]) / 1024

        _wait(get)
        yield get, resident
        server.terminate()


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

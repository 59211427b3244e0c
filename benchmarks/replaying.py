"""The replay of 2,000 exchanges in a real browser: `python -m benchmarks.replaying`.

Writes a session with replies in Markdown, tool calls, pins and cuts; starts the Datasette of this environment on it;
and prints how long the page takes until it can play, its tasks of more than 50 ms, and its frames and tasks while it
plays at 1x and 16x and while the scrubber is dragged from end to end.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.generate import Talk
from benchmarks.machine import description
from tests.world.everything import Session, with_rating, with_sessions
from tests.world.logs import START, Call, LogBuilder, Said

EXCHANGES = 2_000
BLOCK = 20

_WATCH = """
window.tasks = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.tasks.push([Math.round(one.startTime), Math.round(one.duration)]);
}).observe({ type: "longtask", buffered: true });
new MutationObserver((_, observer) => {
  if (!document.querySelector("#sv-where")?.textContent) return;
  window.ready = performance.now();
  observer.disconnect();
}).observe(document, { subtree: true, childList: true, characterData: true });
"""

_FRAMES = """
(seconds) => new Promise((resolve) => {
  const found = [];
  const began = performance.now();
  let last = began;
  const frame = (now) => {
    found.push(now - last);
    last = now;
    if (now - began < seconds * 1000) requestAnimationFrame(frame);
    else resolve(found.slice(1));
  };
  requestAnimationFrame(frame);
})
"""

_DRAG = """
(seconds) => new Promise((resolve) => {
  const seek = document.getElementById("sv-seek");
  const found = [];
  const began = performance.now();
  let last = began;
  const frame = (now) => {
    found.push(now - last);
    last = now;
    const part = (now - began) / (seconds * 1000);
    seek.value = part * Number(seek.max);
    seek.dispatchEvent(new Event("input"));
    if (part < 1) requestAnimationFrame(frame);
    else resolve(found.slice(1));
  };
  requestAnimationFrame(frame);
})
"""


def write(path: Path) -> None:
    """Write a session of 2,000 exchanges that has many of everything."""
    rng = random.Random(3)
    talk = Talk(4).exchanges(EXCHANGES)
    said = [_said(place, *words, rng.randint(900, 9000)) for place, words in enumerate(talk)]
    with LogBuilder(path) as log:
        thread = log.thread()
        turns = log.turns(thread, *said, block=BLOCK)
    first = [turns[place + place // 5] for place in range(EXCHANGES)]  # every fifth has two turns
    with_sessions(path, Session(thread, "work", first, pinned=tuple(first[5::200])))
    _record(path, thread, first)
    for place in range(100, EXCHANGES, 400):
        with_rating(path, thread, first[place], "up", label=f"Part {place // 400 + 1}")


def _said(place: int, prompt: str, reply: str, run: int) -> Said:
    """Return an exchange with a reply like a model's: always a list, usually code or a table."""
    words = reply.split()
    half = len(words) // 2
    listed = "\n".join(f"- **{word}**: {' '.join(words[at : at + 8])}" for at, word in enumerate(words[:40:10]))
    code = "\n".join(f"def step_{at}(week: int) -> str:\n    return '{word}'" for at, word in enumerate(words[:4]))
    table = "\n".join(f"| {at} | `{word}` |" for at, word in enumerate(words[:6]))
    more = (f"```python\n{code}\n```", f"| day | water |\n|---|--:|\n{table}", "")[place % 3]
    text = f"### {' '.join(words[:4])}\n\n{' '.join(words[:half])}\n\n{listed}\n\n{more}\n\n{' '.join(words[half:])}"
    return Said(
        f"{place}. {prompt}",
        text,
        calls=(Call("tide_table", {"place": "Lisbon", "week": place}, "7 rows"),) if (place + 1) % 5 == 0 else (),
        at=START + timedelta(minutes=2 * place),
        tokens=(600 + 100 * (place % BLOCK), 60 + len(reply) // 4),
        duration_ms=run,
    )


def _record(path: Path, thread: str, turns: list[str]) -> None:
    """Write what the session would have recorded: every BLOCK exchanges, a cut to half of them."""
    connection = sqlite3.connect(path)
    begin = (
        "insert into memory_blocks values (?, ?, ?, ?, '[]', 'window', 4096, 8192, '', 'x', null, 0, 'full', '2026')"
    )
    for place, turn_id in enumerate(turns):
        block, start = place // BLOCK + 1, max(place - BLOCK // 2, 0)
        if place % BLOCK == 0:
            connection.execute(begin, (block, thread, turns[start], start + 1))
        values = (turn_id, thread, block, turn_id, place + 1, None, 100, 2000, None)
        connection.execute("insert into memory_contexts values (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.commit()
    connection.close()


@contextmanager
def serving(path: Path, checkout: Path | None = None) -> Iterator[str]:
    """Serve a log as a user would, with the code of this or of another checkout; yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(checkout)} if checkout else None
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=checkout, env=environment, stdout=quiet, stderr=quiet) as server:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{root}/-/versions.json").close()
                break
            except OSError:
                time.sleep(0.1)
        try:
            yield root
        finally:
            server.terminate()


def main() -> None:
    """Measure and print a table."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, help="keep the log in this file and reuse it")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    path = asked.log or Path(folder.name) / "logs.db"
    if not path.exists():
        write(path)
    with serving(path) as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        here = f"{root}/{path.stem}/-/session/work/replay"
        print(description(), f"chromium {browser.version}\n")
        for _ in range(3):
            began = time.perf_counter()
            size = len(urllib.request.urlopen(f"{here}").read())
            print(f"the server's answer: {1000 * (time.perf_counter() - began):.0f} ms, {size:,} bytes")
        for _ in range(asked.rounds):
            _round(browser, here)
        browser.close()
    folder.cleanup()


def _round(browser: Any, here: str) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.add_init_script(_WATCH)
    page.goto(f"{here}?autoplay=0")
    page.wait_for_function("window.ready")
    page.wait_for_timeout(500)
    ready, answered = page.evaluate("[window.ready, performance.getEntriesByType('navigation')[0].responseEnd]")
    print(f"\nready after {ready:.0f} ms, of which the answer {answered:.0f}; {_tasks(page)}")
    for speed in ("1", "16"):
        page.goto(f"{here}?at=700&speed={speed}&autoplay=1")
        page.wait_for_function("window.ready")
        page.wait_for_timeout(300)
        _tasks(page)
        print(f"playing at {speed}x: {_frames(page.evaluate(_FRAMES, 6))}; {_tasks(page)}")
    page.goto(f"{here}?autoplay=0")
    page.wait_for_function("window.ready")
    page.wait_for_timeout(300)
    _tasks(page)
    print(f"dragging: {_frames(page.evaluate(_DRAG, 5))}; {_tasks(page)}")
    page.context.close()


def _tasks(page: Any) -> str:
    found = page.evaluate("window.tasks.splice(0)")
    return f"tasks above 50 ms: {', '.join(f'{took} ms at {at}' for at, took in found) or 'none'}"


def _frames(found: list[float]) -> str:
    late = sum(1 for one in found if one > 25)  # noqa: PLR2004  a frame and a half
    second = 1000 / statistics.mean(found)
    return f"{second:.1f} frames a second, {late} of {len(found)} late, the longest {max(found):.0f} ms"


if __name__ == "__main__":
    main()

"""What the pages weigh and when they appear, in a real browser: `python -m benchmarks.first_paint [--other CHECKOUT]`.

Serves a log with a session of 50 long exchanges with the Datasette of this environment, and opens each page with an
empty cache. Prints the size of its HTML, the size of the HTML and of all that it loads of ours when each is zipped, the
number of requests, and the time to the first contentful paint. With `--other`, the same pages of another checkout are
opened in turns with these, so that a busy machine is as unkind to both.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import description
from benchmarks.replaying import serving
from tests.views.visits import write_long

PAGES = {
    "list": "/logs/-/sessions",
    "transcript of 50 long exchanges": "/logs/-/session/long",
    "search": "/logs/-/sessions/search?q=deck",
    "context": "/logs/-/session/long/context/50",
    "replay": "/logs/-/session/long/replay?autoplay=0",
    "analytics": "/logs/-/sessions/analytics",
}

_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_HERE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Opened:
    """A page that was opened: its HTML, what it loaded, and the milliseconds to its first paint."""

    html: bytes
    loaded: dict[str, bytes]
    painted: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--other", type=Path, help="a checkout to compare with")
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    checkouts = [_HERE, *([asked.other.resolve()] if asked.other else [])]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "logs.db"
        write_long(log)
        print(description(), f"{asked.rounds} rounds\n", sep="\n")
        print("| page | KB | zipped with all of ours | requests | first paint, ms: median | 10th percentile |")
        print("| --- | --: | --: | --: | --: | --: |")
        _measure(log, checkouts, asked.rounds)


def _measure(log: Path, checkouts: list[Path], rounds: int) -> None:
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        roots = [stack.enter_context(serving(log, checkout)) for checkout in checkouts]
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, address in PAGES.items():
            found: list[list[Opened]] = [[] for _ in roots]
            for number in range(rounds + 1):  # the first warms the server
                for place, root in enumerate(roots):
                    one = _open(browser, root + address)
                    found[place] += [one] if number else []
            for place, opened in enumerate(found):
                _print(name if place == 0 else f"{name}, the other checkout", opened)
        browser.close()


def _open(browser: Any, address: str) -> Opened:
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    page = context.new_page()
    loaded: dict[str, bytes] = {}
    page.on("response", lambda answer: loaded.update({answer.url: answer.body()}))
    html = page.goto(address).body()
    page.wait_for_load_state("networkidle")
    page.wait_for_function(_PAINTED)
    painted = page.evaluate(_PAINTED)
    context.close()
    return Opened(html, {url: body for url, body in loaded.items() if url != address}, painted)


def _print(name: str, opened: list[Opened]) -> None:
    last = opened[-1]
    ours = [body for url, body in last.loaded.items() if "/-/static/" not in url]
    zipped = sum(len(gzip.compress(body)) for body in (last.html, *ours))
    times = sorted(one.painted for one in opened)
    figures = (f"{len(last.html) / 1000:.0f}", f"{zipped / 1000:.1f}", f"{len(last.loaded) + 1}")
    paints = (f"{statistics.median(times):.0f}", f"{times[len(times) // 10]:.0f}")
    print(f"| {name} | {' | '.join((*figures, *paints))} |", flush=True)


if __name__ == "__main__":
    main()

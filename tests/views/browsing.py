"""A real browser (Debian's chromium, driven by Playwright) and a real Datasette for it to open."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.world.left_out import needs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_browser = [
    needs("Playwright", find_spec("playwright"), "python -m pip install playwright"),
    needs("chromium", CHROMIUM, "apt-get install chromium"),
]
"""Marks for tests that open a browser."""


@contextmanager
def opened() -> Iterator[Any]:
    """Open a browser and close it at the end."""
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def running(path: Path, *options: str) -> Iterator[str]:
    """Serve a log with Datasette, started as a user would, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port), *options]
    root = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(f"{root}/-/versions.json")
            yield root
        finally:
            server.terminate()


def _wait(address: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address):
            return
        time.sleep(0.1)
    pytest.fail(f"Datasette does not answer at {address}")


def fits(page: Any, width: int) -> bool:
    """Make a page this many pixels wide, and return whether it does not scroll sideways."""
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth") <= width)


class Watched:
    """A browser page, and everything that went wrong on it."""

    def __init__(self, browser: Any, root: str, **settings: Any) -> None:
        self.page = browser.new_context(**settings).new_page()
        self.wrong: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request, root))
        self.page.on("response", self._answered)
        self._open: set[Any] = set()
        for over in ("requestfinished", "requestfailed"):
            self.page.on(over, self._ended)
        self._root = root

    def open(self, address: str) -> Any:
        self.page.goto(f"{self._root}{address}")
        self.page.wait_for_timeout(50)  # for requests that scripts make after the page has loaded
        while self._open:
            self.page.wait_for_timeout(10)
        return self.page

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Any, root: str) -> None:
        self._open.add(request)
        if not request.url.startswith((root, "data:")):
            self.wrong.append(f"foreign: {request.url}")

    def _ended(self, request: Any) -> None:
        self._open.discard(request)

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")

"""A real browser (Debian's chromium, driven by Playwright) and a real Datasette for it to open."""

from __future__ import annotations

import json
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

from datasette_session_views.compat import IS_1
from tests.world.left_out import needs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_browser = [
    needs("Playwright", find_spec("playwright"), "python -m pip install playwright"),
    needs("chromium", CHROMIUM, "apt-get install chromium"),
]
"""Marks for tests that open a browser."""


@contextmanager
def opened() -> Iterator[Pages]:
    """Open a browser and close it at the end."""
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Pages(browser)
        browser.close()


@contextmanager
def running(path: Path, *options: str) -> Iterator[str]:
    """Serve a log with Datasette, started as a user would, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", str(path), "--port", str(port), *options]
    command += ["--setting", "sql_time_limit_ms", "60000"]  # its queries must end on a busy machine, too
    root = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(f"{root}/-/versions.json")
            yield root
        finally:
            server.terminate()


@contextmanager
def rated_by_all(path: Path, *others: Path) -> Iterator[str]:
    """Serve logs with Datasette, and yield its URL; in the one named `logs`, everybody may rate."""
    from tests.views.test_rating_form import granting

    config = path.with_name("datasette.json")
    config.write_text(json.dumps(granting(True)))
    with running(path, *map(str, others), "--config" if IS_1 else "--metadata", str(config)) as root:
        yield root


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


def copied(page: Any, button: Any) -> str:
    """Press a button that copies, and return what is in the clipboard once the button says so."""
    pressed = button.element_handle()
    pressed.click()
    page.wait_for_function("pressed => pressed.textContent === 'Copied'", arg=pressed)
    return str(page.evaluate("navigator.clipboard.readText()"))


class Watched:
    """A browser page, and everything that went wrong on it since it was lent."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.wrong: list[str] = []
        self._open: set[Any] = set()
        self._root = ""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)
        for over in ("requestfinished", "requestfailed"):
            page.on(over, self._ended)

    def lent(self, root: str) -> Watched:
        """Return itself as it was at first: nothing went wrong yet, and only this server may be asked."""
        self.page.goto("about:blank")  # the page of the test before must not go on asking
        self.page.unroute_all()
        self.page.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")
        self.page.set_viewport_size({"width": 1200, "height": 800})
        self.wrong, self._open, self._root = [], set(), root
        return self

    def open(self, address: str) -> Any:
        """Open a page and wait until everything that it asks for has arrived."""
        self.page.goto(f"{self._root}{address}")
        self.page.wait_for_timeout(50)  # for requests that scripts make after the page has loaded
        while self._open:
            self.page.wait_for_timeout(10)
        return self.page

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        self._open.add(request)
        if not request.url.startswith((self._root, "data:")):
            self.wrong.append(f"foreign: {request.url}")

    def _ended(self, request: Any) -> None:
        self._open.discard(request)

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.wrong.append(f"{response.status}: {response.url}")


class Pages:
    """The pages of a browser: one of each kind, lent to one test after another, because each new one takes a second."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._made: dict[tuple[bool, bool], Watched] = {}

    def watched(self, root: str, *, scripts: bool = True, stands_still: bool = False) -> Watched:
        """Lend a page for one server: with or without JavaScript, and with the usual clock or one that stands still."""
        kind = (scripts, stands_still)
        if kind not in self._made:
            permissions = ["clipboard-read", "clipboard-write"]
            context = self._browser.new_context(java_script_enabled=scripts, permissions=permissions)
            page = context.new_page()
            if stands_still:
                page.clock.install(time=0)
                page.clock.pause_at(1000)
            self._made[kind] = Watched(page)
        return self._made[kind].lent(root)

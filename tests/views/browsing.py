"""A real browser (Debian's chromium, driven by Playwright): one for all tests of a process, as it is slow to start.

Without its windows, as chromium-headless-shell, it opens a page in a third of the time. The gate takes the whole one.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import Any

from tests.world.laws import PROFILE
from tests.world.left_out import needs

_WHOLE = ("chromium", "chromium-browser")
_WITHOUT_WINDOWS = ("chromium-headless-shell",)

CHROMIUM = next(filter(None, map(shutil.which, _WHOLE if PROFILE == "ci" else _WITHOUT_WINDOWS + _WHOLE)), None)

needs_browser = [
    needs("Playwright", find_spec("playwright"), "python -m pip install playwright"),
    needs("chromium", CHROMIUM, "apt-get install chromium"),
]
"""Marks for tests that open a browser."""

USUAL = {"width": 1200, "height": 800}
"""The size of the window that a test is lent."""


_kept: list[tuple[Any, Any, Pages]] = []


def opened() -> Pages:
    """Return the pages of this process's browser, which is started for its first test."""
    if not _kept:
        from playwright import sync_api

        driver = sync_api.sync_playwright().start()
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--kiosk"])
        _kept.append((driver, browser, Pages(browser)))
    return _kept[0][-1]


def close() -> None:
    """Close the browser, if there is one: while it is open, it keeps this thread's event loop to itself."""
    while _kept:
        driver, browser, _ = _kept.pop()
        browser.close()
        driver.stop()


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
        self._tools = page.context.new_cdp_session(page)
        self._scripts = True
        self._reads, self._read_by = "", ""
        self._open: set[Any] = set()
        self._root = ""
        self._leaves, self._there = False, False
        page.on("framenavigated", self._went)
        page.on("console", self._said)
        page.on("pageerror", lambda error: self._found(f"error: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)
        for over in ("requestfinished", "requestfailed"):
            page.on(over, self._ended)

    def lent(self, root: str, scripts: bool, reads: str) -> Watched:
        """Return itself as it was at first: nothing went wrong yet, and only this server may be asked."""
        self.page.unroute_all()
        if self._scripts != scripts:
            self._tools.send("Emulation.setScriptExecutionDisabled", {"value": not scripts})
            self._scripts = scripts
        if self._reads != reads:
            self._read_first(reads)
        self.page.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")
        if self.page.viewport_size != USUAL:
            self.page.set_viewport_size(USUAL)
        if self._root != root:
            self.page.context.clear_cookies()  # they are those of all ports
        self.wrong, self._open, self._root = [], set(), root
        self._leaves, self._there = False, False
        return self

    def _read_first(self, script: str) -> None:
        if self._reads:
            self._tools.send("Page.removeScriptToEvaluateOnNewDocument", {"identifier": self._read_by})
        self._tools.send(f"Page.{'enable' if script else 'disable'}")
        if script:
            added = self._tools.send("Page.addScriptToEvaluateOnNewDocument", {"source": script})
            self._read_by = added["identifier"]
        self._reads = script

    def go(self, address: str) -> Any:
        """Go to a page, and return when it has loaded."""
        here, there = self.page.url, f"{self._root}{address}"
        if not self._there and here.partition("#")[0] == there.partition("#")[0]:
            self.page.goto("about:blank")  # else the test before has left it scrolled, or it isn't loaded at all
        self.page.goto(there)
        return self.page

    def open(self, address: str) -> Any:
        """Open a page and wait until everything that it asks for has arrived."""
        self.go(address)
        self.page.wait_for_timeout(50)  # for requests that scripts make after the page has loaded
        while self._open:
            self.page.wait_for_timeout(10)
        return self.page

    def _went(self, frame: Any) -> None:
        self._there = self._leaves

    def _found(self, wrong: str) -> None:
        if self._there:  # until then, it is the page of the test before that goes on
            self.wrong.append(wrong)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._found(f"console: {message.text}")

    def _asked(self, request: Any) -> None:
        self._leaves = self._leaves or request.is_navigation_request()
        if self._there or request.is_navigation_request():
            self._open.add(request)
        if not request.url.startswith((self._root, "data:")):
            self._found(f"foreign: {request.url}")

    def _ended(self, request: Any) -> None:
        self._open.discard(request)

    def _answered(self, response: Any) -> None:
        if response.status >= 400 and (self._there or response.request.is_navigation_request()):
            self.wrong.append(f"{response.status}: {response.url}")


class Pages:
    """The pages of a browser: one of each kind, lent to one test after another, because each new one takes a second."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._made: dict[bool, Watched] = {}

    def watched(self, root: str, *, scripts: bool = True, stands_still: bool = False, reads: str = "") -> Watched:
        """Lend a page for one server: with or without JavaScript, and with the usual clock or one that stands still.

        Each document first reads the script `reads`: to send a long one to each takes longer.
        """
        if stands_still not in self._made:
            context = self._browser.new_context(permissions=["clipboard-read", "clipboard-write"])
            page = context.new_page()
            if stands_still:
                page.clock.install(time=0)
                page.clock.pause_at(1000)
            self._made[stands_still] = Watched(page)
        return self._made[stands_still].lent(root, scripts, reads)

"""Fixtures for the views' tests: a log with one of everything, and a Datasette that serves it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from datasette.app import DEFAULT_SETTINGS, Datasette
from datasette.plugins import pm

import datasette_session_views
from datasette_session_views.compat import IS_1
from tests.views import browsing, compiled_once
from tests.world import laws
from tests.world.everything import World

if not any(plugin is datasette_session_views for plugin in pm.get_plugins()):
    pm.register(datasette_session_views, name="datasette_session_views")
pm.register(compiled_once)

DEFAULT_SETTINGS["sql_time_limit_ms"] = 60_000  # Datasette's own queries must end on a busy machine, too
if laws.PROFILE != "ci":
    # A page asks its database some 50 times, and changing threads takes longer than the answers. The Datasettes of
    # test_threads have threads, as usual, and so has every Datasette when the suite runs with all examples.
    DEFAULT_SETTINGS["num_sql_threads"] = 0

pm.get_plugin(
    "datasette.handle_exception"
).rich = None  # with rich, every refused page prints a traceback with all local variables, which takes half a second


@dataclass(frozen=True)
class Answer:
    """The response to a request."""

    status: int
    text: str
    headers: Any
    content: bytes
    json: Callable[[], Any]

    @property
    def shown(self) -> str:
        """Return the text of the page's content as a person reads it."""
        content = self.text.partition('<section class="content">')[2].rpartition("</section>\n</div>")[0]
        return _read(content or self.text)

    @property
    def talk(self) -> str:
        """Return the text of a transcript's conversation, without its head and its outline."""
        return _read(self.text.partition('id="sv-talk" tabindex="-1">')[2].rpartition("</main>")[0])


def _read(html: str) -> str:
    text = re.sub(r"<(script|style)\b.*?</\1>", "", html, flags=re.DOTALL)
    return " ".join(_unescape(re.sub(r"<[^>]*>", " ", text)).split())


def _unescape(text: str) -> str:
    from html import unescape

    return unescape(text)


Get = Callable[..., Awaitable[Answer]]


def serving(path: Path, **settings: Any) -> Get:
    """Return a function that gets pages from a Datasette serving this log with these settings.

    Without settings, those who ask for the same log share one: a new Datasette and its first page take a while. The
    test plugin of 1.0 closes each Datasette after the test that made it.
    """
    return served(Datasette([str(path)], **settings)) if settings or IS_1 else _usual(path)


@lru_cache(maxsize=4)
def _usual(path: Path) -> Get:
    return served(Datasette([str(path)]))


def served(datasette: Datasette) -> Get:
    """Return a function that gets pages from a Datasette."""

    async def get(address: str, **more: Any) -> Answer:
        await datasette.invoke_startup()
        answer = await datasette.client.get(address.removeprefix("http://localhost"), **more)
        return Answer(answer.status_code, answer.text, answer.headers, answer.content, answer.json)

    return get


@pytest.fixture(name="browser")
def _browser() -> Any:
    """Return a real browser: the same one for all tests of this process, if they follow one another."""
    return browsing.opened()


def _is_browsing(item: pytest.Item | None) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests with a browser side by side, so that it is started once."""
    items.sort(key=lambda item: not _is_browsing(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    """Close the browser after its last test, because it keeps the event loop to itself."""
    yield
    if not _is_browsing(nextitem):
        browsing.close()


@pytest.fixture(name="get")
def _get(world: World) -> Get:
    """Return a function that gets pages of the log with one of everything, without an actor."""
    return serving(world.path)


VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "path", "wbr", "col"})


class Tags(HTMLParser):
    """The elements of a page in order, with their attributes. Fails if they do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open, f"</{tag}> closes nothing"
            assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        """Return all the text."""
        return "".join(self.texts)

    def names(self) -> set[str]:
        """Return the names of the elements."""
        return {tag for tag, _ in self.found}


def shape(tags: Tags) -> list[str]:
    """Return the elements of a page by name and class."""
    return [f"{tag}.{attributes.get('class') or ''}" for tag, attributes in tags.found]

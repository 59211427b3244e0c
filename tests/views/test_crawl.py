"""The rule that no page links to an error: all links are followed, three clicks deep."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urldefrag, urljoin, urlsplit

import pytest
from datasette.app import Datasette

from tests.views.visits import is_followed, write_visits
from tests.world import laws
from tests.world.everything import World

DEPTH = 3
ROOT = "http://localhost"
LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "form": "action"}


class _Read(HTMLParser):
    """The links of a page, the ids that a link may lead to, and whether the page is one of ours."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.ours = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ours |= tag == "body" and "sv" in (given.get("class") or "").split()
        self.ids |= {given["id"] or ""} if "id" in given else set()
        posts = (given.get("method") or "").casefold() == "post"
        if tag in LINKS and given.get(LINKS[tag]) and not posts:
            self.links.append(given[LINKS[tag]] or "")


@dataclass
class _Crawl:
    """What was found so far: the status of each address, and the links that lead to nothing."""

    datasette: Any
    seen: dict[str, str | None] = field(default_factory=dict)
    """The text of each address that was opened, or None if it is no page."""
    read: dict[str, _Read] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    async def follow(self, start: str, depth: int) -> None:
        """Follow all links from an address, breadth first."""
        here = [(start, "the beginning")]
        for clicks in range(depth + 1):
            found: list[tuple[str, str]] = []
            for address, source in here:
                await self._open(address, source)
                if clicks < depth and (page := self._page(urldefrag(address).url)) and page.ours:
                    found += [(urljoin(address, link), address) for link in page.links]
            links = [
                (address, source)
                for address, source in dict(reversed(found)).items()
                if _ours(address) and is_followed(address)
            ]
            urls = dict.fromkeys(urldefrag(address).url for address, _ in links)
            tried = self.seen.keys() | self._tried([url for url in urls if url not in self.seen])
            here = [(address, source) for address, source in links if urldefrag(address).url in tried]

    async def _open(self, address: str, source: str) -> None:
        url, fragment = urldefrag(address)
        if url not in self.seen:
            answer = await self.datasette.client.get(url.removeprefix(ROOT), follow_redirects=True)
            html = answer.headers.get("content-type", "").startswith("text/html")
            self.seen[url] = answer.text if html else None
            if answer.status_code != 200:
                self.wrong.append(f"{answer.status_code}: {url} on {source}")
        if fragment and (page := self._page(url)) and unquote(fragment) not in page.ids:
            self.wrong.append(f"no such place: {address} on {source}")

    def _tried(self, urls: list[str]) -> set[str]:
        """Return the new addresses to open: in an ordinary run of each form the first, the last and one in between.

        A form of which that many were opened with fewer clicks is not opened again.
        """
        forms: dict[tuple[str, ...], list[str]] = {}
        for url in urls:
            forms.setdefault((url,) if laws.PROFILE == "ci" else _form(url), []).append(url)
        known = Counter(map(_form, self.seen)) if laws.PROFILE != "ci" else Counter()
        new = [alike for form, alike in forms.items() if known[form] < _FEW]
        return {alike[place * (len(alike) - 1) // (_FEW - 1)] for alike in new for place in range(_FEW)}

    def _page(self, url: str) -> _Read | None:
        """Return what is in a page that was opened. It is read only if that is asked: it takes as long as the page."""
        html = self.seen[url]
        if html is not None and url not in self.read:
            self.read[url] = _Read(html)
        return self.read.get(url)


def _ours(address: str) -> bool:
    """Return whether an address is of this server. What a reply links to isn't asked."""
    return urlsplit(address).netloc == "localhost"


_NAMES = re.compile(r"(?<=/session/)[^/.?]+|(?<=/job/)[^/.?]+|\b01[0-9a-z]{24}\b|\b[0-9a-f]{32,}\b|\d+|\bsessions_\w+")
"""The part of a path that says which session, job, exchange, message or query a page is about."""


_FEW = 3


def _form(address: str) -> tuple[str, ...]:
    """Return what the addresses of one kind of page have in common: the path in a log, and the parameters' names."""
    url = urlsplit(address)
    path = _NAMES.sub("*", url.path.partition("/")[2].partition("/")[2])
    return (path, *sorted(name for name, _ in parse_qsl(url.query, keep_blank_values=True)))


@pytest.mark.slow
@pytest.mark.asyncio
async def test_no_link_leads_to_an_error(world: World, tmp_path: Path) -> None:
    """All links of our pages answer, three clicks deep, and those to a place on a page find it.

    Datasette's own pages are opened if ours link to them, but their links are Datasette's.
    """
    datasette = Datasette([str(path) for path in write_visits(world, tmp_path)[:4]])
    await datasette.invoke_startup()
    crawl = _Crawl(datasette)
    await crawl.follow(f"{ROOT}/-/sessions", DEPTH)
    assert crawl.wrong == []
    assert len(crawl.seen) > 200

"""The rule that no page links to an error: all links are followed, three clicks deep."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from datasette.app import Datasette

from tests.views.visits import is_followed, write_visits
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
    seen: dict[str, _Read | None] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    async def follow(self, start: str, depth: int) -> None:
        """Follow all links from an address, breadth first."""
        here = [(start, "the beginning")]
        for clicks in range(depth + 1):
            found: list[tuple[str, str]] = []
            for address, source in here:
                await self._open(address, source)
                page = self.seen[urldefrag(address).url]
                if clicks < depth and page is not None and page.ours:
                    found += [(urljoin(address, link), address) for link in page.links]
            here = [
                (address, source)
                for address, source in dict(reversed(found)).items()
                if _ours(address) and is_followed(address)
            ]

    async def _open(self, address: str, source: str) -> None:
        url, fragment = urldefrag(address)
        if url not in self.seen:
            answer = await self.datasette.client.get(url.removeprefix(ROOT), follow_redirects=True)
            html = answer.headers.get("content-type", "").startswith("text/html")
            self.seen[url] = _Read(answer.text) if html else None
            if answer.status_code != 200:
                self.wrong.append(f"{answer.status_code}: {url} on {source}")
        page = self.seen[url]
        if fragment and page is not None and unquote(fragment) not in page.ids:
            self.wrong.append(f"no such place: {address} on {source}")


def _ours(address: str) -> bool:
    """Return whether an address is of this server. What a reply links to isn't asked."""
    return urlsplit(address).netloc == "localhost"


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

"""The rule of how heavy a page may be."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from datasette_session_views.compat import IS_1
from tests.views.conftest import Get, serving
from tests.views.visits import write_long

MOST = 60_000
"""Bytes, zipped, of a transcript of 50 long exchanges with all that it loads."""

_ASSET = re.compile(r"""<(?:link rel="stylesheet" href|script [^>]*src|img [^>]*src)="([^"]+)""")
_IMPORT = re.compile(r"""^import [^"]*"(\./[^"]+)";""", re.MULTILINE)


async def assets(get: Get, page: str) -> dict[str, bytes]:
    """Return the style sheets and scripts that a page loads, by their address, with the modules that those import."""
    found: dict[str, bytes] = {}
    asked = _ASSET.findall(page)
    while asked:
        address = asked.pop()
        if address not in found:
            answer = await get(address)
            assert answer.status == 200, address
            found[address] = answer.content
            asked += [urljoin(address, name) for name in _IMPORT.findall(answer.text)] if ".js" in address else []
    return found


@pytest.mark.asyncio
async def test_a_transcript_of_fifty_long_exchanges_is_light(tmp_path: Path) -> None:
    """The page and all that it loads have at most 60 kB, zipped one by one as they would be sent.

    Datasette's own style is included. That of 1.0 has 13 kB and comes with scripts, so there only ours are counted.
    """
    write_long(tmp_path / "logs.db")
    get = serving(tmp_path / "logs.db")
    page = await get("/logs/-/session/long")
    assert page.text.count("<article") == 50
    assert len(page.content) > 200_000
    loaded = await assets(get, page.text)
    assert sum("/common/" in address for address in loaded) > 2
    counted = {address: body for address, body in loaded.items() if not (IS_1 and "/-/static/" in address)}
    assert IS_1 or any("/app.css" in address for address in counted)
    sizes = {"the page": page.content} | counted
    zipped = {name: len(gzip.compress(body, mtime=0)) for name, body in sizes.items()}
    assert sum(zipped.values()) <= MOST

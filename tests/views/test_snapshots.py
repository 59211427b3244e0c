"""One snapshot of each kind of page.

After a change that was meant: UPDATE_SNAPSHOTS=1 python -m pytest tests/views/test_snapshots.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from .conftest import Get, Tags

FOLDER = Path(__file__).parent / "snapshots"

PAGES = {
    "all": "/-/sessions",
    "list": "/logs/-/sessions",
    "list-nothing": "/logs/-/sessions?q=nothing",
    "transcript": "/logs/-/session/work",
    "search": "/logs/-/sessions/search?q=Lisbon",
    "search-nothing": "/logs/-/sessions/search?q=nothing",
}


def content(html: str) -> str:
    """The part of a page that is ours, the same on both Datasettes."""
    found = html.partition('<section class="content">')[2].partition("</section>\n</div>")[0]
    return re.sub(r'href="[^"]*\?sql=[^"]*"', 'href="SQL"', found).strip() + "\n"


@pytest.mark.asyncio
@pytest.mark.parametrize("name", PAGES)
async def test_each_kind_of_page_is_as_it_was(get: Get, name: str) -> None:
    """What a page consists of changes only where it is meant to, and is the same on both Datasettes."""
    found = content((await get(PAGES[name])).text)
    path = FOLDER / f"{name}.html"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")
    Tags(found)

"""One snapshot of each kind of page.

After a change that was meant: UPDATE_SNAPSHOTS=1 python -m pytest tests/views/test_snapshots.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.views.conftest import Get, Tags, serving
from tests.views.test_context import write_context

FOLDER = Path(__file__).parent / "snapshots"

PAGES = {
    "all": "/-/sessions",
    "list": "/logs/-/sessions",
    "list-nothing": "/logs/-/sessions?q=nothing",
    "transcript": "/logs/-/session/work",
    "search": "/logs/-/sessions/search?q=Lisbon",
    "search-nothing": "/logs/-/sessions/search?q=nothing",
    "context-nothing-recorded": "/logs/-/session/work/context/2",
    "analytics": "/logs/-/sessions/analytics",
}

CHOSEN = {
    "context": "/logs/-/session/work/context/9",
    "context-exact": "/logs/-/session/work/context/9?exact=1",
    "transcript-with-summaries": "/logs/-/session/work",
    "replay": "/logs/-/session/work/replay",
}
"""Of a session that recorded what it chose to send."""


def content(html: str) -> str:
    """The part of a page that is ours, the same on both Datasettes."""
    found = html.partition('<section class="content">')[2].rpartition("</section>\n</div>")[0]
    found = re.sub(r'href="[^"]*\?sql=[^"]*"', 'href="SQL"', found)
    return re.sub(r"(analytics\?since=)[0-9-]+", r"\1DAY", found).strip() + "\n"


@pytest.fixture(name="chosen", scope="module")
def _chosen(tmp_path_factory: pytest.TempPathFactory) -> Get:
    path = tmp_path_factory.mktemp("chosen") / "logs.db"
    write_context(path)
    return serving(path)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", [*PAGES, *CHOSEN])
async def test_each_kind_of_page_is_as_it_was(get: Get, chosen: Get, name: str) -> None:
    """What a page consists of changes only where it is meant to, and is the same on both Datasettes."""
    page = await (get(PAGES[name]) if name in PAGES else chosen(CHOSEN[name]))
    found = content(page.text)
    path = FOLDER / f"{name}.html"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")
    Tags(found)

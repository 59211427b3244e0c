"""One snapshot of each kind of page.

After a change that was meant: UPDATE_SNAPSHOTS=1 python -m pytest tests/views/test_snapshots.py
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.views.conftest import Get, serving
from tests.views.test_context import write_context
from tests.views.tree import tree

FOLDER = Path(__file__).parent / "snapshots"

PAGES = {
    "all": "/-/sessions",
    "list": "/logs/-/sessions",
    "list-nothing": "/logs/-/sessions?q=nothing",
    "transcript": "/logs/-/session/work",
    "search": "/logs/-/sessions/search?q=Lisbon",
    "search-nothing": "/logs/-/sessions/search?q=nothing",
    "context-nothing-recorded": "/logs/-/session/work/context/2",
}

CHOSEN = {
    "context": "/logs/-/session/work/context/9",
    "context-exact": "/logs/-/session/work/context/9?exact=1",
    "transcript-with-summaries": "/logs/-/session/work",
}
"""Pages of a session that recorded how its requests were chosen."""

VALUES = {
    "analytics": "/logs/-/sessions/analytics.json",
    "replay": "/logs/-/session/work/replay.json",
}
"""Pages of figures and charts: the snapshot is their JSON. How the pages show it has its own tests."""


def content(html: str) -> str:
    """Return our part of a page as a tree that is the same on both Datasettes."""
    found = html.partition('<section class="content">')[2].rpartition("</section>\n</div>")[0]
    found = re.sub(r'href="[^"]*\?sql=[^"]*"', 'href="SQL"', found)
    found = re.sub(r" -d \S+/logs\.db\b", " -d LOG", found)
    return tree(re.sub(r"(analytics\?since=)[0-9-]+", r"\1DAY", found))


def compare(name: str, found: str) -> None:
    """Compare a text with its snapshot, or update the snapshot."""
    path = FOLDER / name
    if os.environ.get("UPDATE_SNAPSHOTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, "utf-8")
    assert found == path.read_text("utf-8")


@pytest.fixture(name="chosen", scope="module")
def _chosen(tmp_path_factory: pytest.TempPathFactory) -> Get:
    path = tmp_path_factory.mktemp("chosen") / "logs.db"
    write_context(path)
    return serving(path)


@pytest.mark.asyncio
@pytest.mark.parametrize("name", [*PAGES, *CHOSEN])
async def test_each_kind_of_page_matches_its_snapshot(get: Get, chosen: Get, name: str) -> None:
    """Pages change only on purpose, and are the same on both Datasettes."""
    page = await (get(PAGES[name]) if name in PAGES else chosen(CHOSEN[name]))
    compare(f"{name}.html", content(page.text))


@pytest.mark.asyncio
@pytest.mark.parametrize("name", VALUES)
async def test_the_values_of_pages_of_figures_match_their_snapshots(chosen: Get, name: str) -> None:
    """The values behind the charts and the replay change only on purpose."""
    found = (await chosen(VALUES[name])).json()
    compare(f"{name}.json", json.dumps(found, indent=1, ensure_ascii=False) + "\n")


SAME = [
    pytest.param("<p>\n  <b>3</b> turns\n</p>", "<p><b>3</b>   turns</p>", id="spaces at the edges, and doubled"),
    pytest.param("<ul>\n <li>a</li>\n</ul>", "<ul><li>a</li></ul>", id="between blocks"),
    pytest.param("<p>a <b>b </b> c</p>", "<p>a <b>b </b>c</p>", id="doubled across elements"),
    pytest.param("<select>\n <option>a</option>\n</select>", "<select><option>a</option></select>", id="options"),
    pytest.param('<p class="sv-meta"><a>a</a>\n<a>b</a></p>', '<p class="sv-meta"><a>a</a><a>b</a></p>', id="flex"),
    pytest.param("<button>\n  Save\n</button>", "<button>Save</button>", id="edges of a button"),
    pytest.param('<a id="x" href="y">a</a>', '<a href="y" id="x">a</a>', id="the order of attributes"),
]  # fmt: skip

OTHER = [
    pytest.param("<p><a>a</a> <a>b</a></p>", "<p><a>a</a><a>b</a></p>", id="between links"),
    pytest.param("<p>a<b> b</b></p>", "<p>ab</p>", id="another element"),
    pytest.param("<p>a <b>b</b></p>", "<p>a<b> b</b></p>", id="inside of the link or outside"),
    pytest.param("<pre>a\n b</pre>", "<pre>a\nb</pre>", id="preformatted"),
    pytest.param("<td> <a>a</a></td>", "<td><a>a</a></td>", id="in a cell, as Datasette styles it"),
    pytest.param("<textarea>a </textarea>", "<textarea>a</textarea>", id="what one edits"),
    pytest.param("<p>a <button>b</button></p>", "<p>a<button>b</button></p>", id="before a button"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spaces_that_are_not_shown_make_no_difference(one: str, other: str) -> None:
    """Line breaks in templates that no browser shows make no difference."""
    assert tree(one) == tree(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_spaces_that_are_shown_make_a_difference(one: str, other: str) -> None:
    """Spaces between links, in code and in text fields are part of the page."""
    assert tree(one) != tree(other)

"""The documentation as a site: `make site`. The pages are the files that GitHub shows; nothing in them is Sphinx's."""

from __future__ import annotations

import re
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = Path(__file__).resolve().parent
REPOSITORY = "https://github.com/llm-session-memory/llm-session-memory"

project = "llm-session-memory"
author = "The llm-session-memory contributors"
release = version = installed(project)
extensions = ["myst_parser"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"source_repository": REPOSITORY, "source_branch": "main", "source_directory": "docs/"}


def _pages() -> list[str]:
    """Return the pages in the order in which docs/index.md links them."""
    linked = re.findall(r"\]\(([\w-]+)\.md\)", (FOLDER / "index.md").read_text("utf-8"))
    return list(dict.fromkeys(linked))


def _for_the_site(_app: Sphinx, name: str, source: list[str]) -> None:
    """Give the first page its table of contents, and let links out of docs/ lead to the repository."""
    source[0] = re.sub(r"\]\(\.\./([^)]+)\)", rf"]({REPOSITORY}/blob/main/\1)", source[0])
    if name == "index":
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(_pages()) + "\n```\n"


def setup(app: Sphinx) -> None:
    """Change the pages as they are read."""
    app.connect("source-read", _for_the_site)

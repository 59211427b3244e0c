"""Give the README full addresses, so that its links and its picture work on PyPI. The rest is in pyproject.toml."""

import re
from pathlib import Path

FILES = "https://github.com/llm-session-memory/llm-session-memory/blob/main"
PICTURES = "https://raw.githubusercontent.com/llm-session-memory/llm-session-memory/main"


def absolute(readme: str) -> str:
    """Return the README with the full address of each file that it links or shows."""
    shown = re.sub(r"(!\[[^]]*\])\((?!https?:)([^)]+)\)", rf"\1({PICTURES}/\2)", readme)
    return re.sub(r"\]\((?!https?:)([^)]+)\)", rf"]({FILES}/\1)", shown)


if __name__ == "__main__":
    from setuptools import setup

    setup(
        long_description=absolute(Path("README.md").read_text("utf-8")),
        long_description_content_type="text/markdown",
    )

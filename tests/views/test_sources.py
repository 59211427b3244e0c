"""The rules of how templates, styles and scripts are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent.parent / "datasette_session_views"
TEMPLATES = {path.name: path.read_text("utf-8") for path in sorted((PACKAGE / "templates").iterdir())}
PYTHON = "\n".join(path.read_text("utf-8") for path in sorted(PACKAGE.rglob("*.py")))

LONGEST = 160


@pytest.mark.parametrize("name", TEMPLATES)
def test_lines_can_be_read(name: str) -> None:
    """No line is longer than a screen, and none ends with spaces."""
    lines = TEMPLATES[name].splitlines()
    assert [line for line in lines if len(line) > LONGEST or line != line.rstrip()] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_used(name: str) -> None:
    """A page is rendered by a route; a part, its name begins with an underscore, stands in another template."""
    if name.startswith("_"):
        assert any(f'"{name}"' in text for other, text in TEMPLATES.items() if other != name)
    else:
        assert f'"{name}"' in PYTHON or f'"{name.removesuffix(".html")}"' in PYTHON


def test_every_macro_is_called() -> None:
    """No template has a macro that none calls."""
    whole = "\n".join(TEMPLATES.values())
    macros = re.findall(r"{% macro (\w+)", whole)
    assert len(macros) > 5
    assert [one for one in macros if len(re.findall(rf"(?<!macro )\b{one}\(", whole)) == 0] == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_element_stands_on_a_line_of_its_own(name: str) -> None:
    """No line begins two elements that stand alone, such as two rows or two fields."""
    alone = r"<(?:article|aside|dd|details|div|dl|dt|form|h[1-6]|input|li|nav|option|p|section|select|summary|tr|ul)\b"
    assert [line for line in TEMPLATES[name].splitlines() if len(re.findall(alone, line)) > 1] == []

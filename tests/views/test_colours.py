"""Rules of the colours: in both themes they have the contrast that WCAG 2.2 AA asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import datasette_session_views

FOLDER = Path(datasette_session_views.__file__).parent
CSS = FOLDER / "static" / "css"

TEXT, EDGE = 4.5, 3.0
"""The least contrast of text (WCAG 1.4.3), and of what a person must see to use or understand a page (1.4.11)."""

GROUNDS = "ground paper"
CONTRASTS = [
    (TEXT, "ink soft link bad", f"{GROUNDS} you code empty tag"),
    (TEXT, "pinned recalled summary", f"{GROUNDS} you"),
    (TEXT, "ink", "found bad-ground cut-ground answer answer-dark summary-pale"),
    (TEXT, "bad", "bad-ground"),
    (TEXT, "cut", "cut-ground"),
    (TEXT, "soft", "answer answer-dark"),
    (TEXT, "code-keyword code-string code-comment code-number", "code"),
    (TEXT, "on-colour", "button link ink system recent pinned recalled recalled-dark summary summary-dark"),
    (TEXT, "on-bar", "bar"),
    (EDGE, "edge empty-edge focus", f"{GROUNDS} you code"),
    (EDGE, "system recent pinned recalled summary other", f"{GROUNDS} empty"),
    (EDGE, "mark-exchange mark-chapter mark-tool mark-pin mark-cut mark-failed", "paper"),
    (EDGE, "on-colour", "other"),
    *((EDGE, name, f"{name}-pale") for name in ("system", "pinned", "recalled", "summary")),
]
"""The least contrast of each of some colours on each of some grounds."""

_PROPERTY = re.compile(r"--sv-([a-z-]+):\s*([^;]+);")


def themes() -> dict[str, dict[str, str]]:
    """Return the colours of both themes by name; what dark doesn't change is as in light."""
    light, dark = (CSS / "colours.css").read_text("utf-8").split("(prefers-color-scheme: dark)")
    first = dict(_PROPERTY.findall(light))
    return {"light": first, "dark": first | dict(_PROPERTY.findall(dark))}


THEMES = themes()


def luminance(theme: dict[str, str], name: str) -> float:
    """Return the relative luminance of a colour, from 0 to 1, by WCAG 2.2's definition."""
    value = theme[name]
    while value.startswith("var("):
        value = theme[value.removeprefix("var(--sv-").removesuffix(")")]
    digits = value.removeprefix("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(theme: dict[str, str], one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    darker, lighter = sorted((luminance(theme, one), luminance(theme, other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_colours_have_enough_contrast(theme: dict[str, str]) -> None:
    """Text has a contrast of 4.5:1 on every ground it is on; edges, the focus and parts of pictures have 3:1."""
    found = {
        f"{name} on {ground}": round(contrast(theme, name, ground), 2)
        for least, names, grounds in CONTRASTS
        for name in names.split()
        for ground in grounds.split()
        if contrast(theme, name, ground) < least
    }
    assert found == {}


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21:1, and the grey that WCAG's own examples call just enough is just enough."""
    theme = {"black": "#000", "white": "#ffffff", "grey": "#767676"}
    assert contrast(theme, "black", "white") == pytest.approx(21)
    assert contrast(theme, "grey", "white") == pytest.approx(4.54, abs=0.01)

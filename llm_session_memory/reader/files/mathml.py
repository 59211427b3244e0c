"""Turn a formula in LaTeX into MathML that a page may show. Pure.

A library (latex2mathml) parses the formula. What it returns is not trusted: this module writes the elements itself, and
only those of presentation MathML, with only the attributes and values that are listed here. So no link, no style, no
class and no length of a formula's own gets into the page. A formula that can't be shown correctly becomes None, and
the page then shows its source as code: one with unknown commands, with macros of its own, or one that is too large.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape, unescape
from typing import TYPE_CHECKING
from unicodedata import category

from ...rules.safe_text import without_hidden

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # as a type only: nothing here parses XML

LONGEST = 2_000
"""The most characters of a formula. The library needs up to 30 ms for the longest."""

_MOST_ELEMENTS = 3_000
_DEEPEST = 60

_REFUSED = re.compile(
    r"\\(?:(?:re|provide)?newcommand|[gex]?def|let|DeclareMathOperator|href|url|unicode|includegraphics|require|rule"
    r"|verb|class|cssId|id|style|ce|pu|newline|html[A-Z]\w*)(?![a-zA-Z])"
)
"""Commands that define others, whose expansion has no limit, and commands whose argument would be lost."""

_ENVIRONMENTS = {
    **dict.fromkeys(("align", "aligned", "split", "eqnarray", "eqnarray*", "flalign", "flalign*"), "align*"),
    **dict.fromkeys(("gather", "gather*", "gathered", "multline", "multline*", "smallmatrix"), "matrix"),
    **dict.fromkeys(("equation", "equation*", "displaymath", "math"), ""),
}
"""Environments that the library doesn't know, or numbers, and what they are read as."""

_ELEMENTS = frozenset(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub "
    "msubsup msup mtable mtd mtext mtr munder munderover none".split()
)
_CHILDREN = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}
"""How many children an element must have to be drawn."""

_TOKENS = frozenset(("mi", "mn", "mo", "mtext", "mspace"))

_BOOLEAN = re.compile("true|false")
_LENGTH = re.compile(r"(-?\d{0,3}(?:\.\d{1,5})?)(em|ex|mu|pt|px|mm|cm|in|pc)")
_EM = {"em": 1.0, "ex": 0.45, "mu": 1 / 18, "pt": 0.1, "px": 0.0625, "mm": 0.24, "cm": 2.4, "in": 6.0, "pc": 1.2}
_WIDEST, _NARROWEST = 10.0, -0.2
"""The limits of a length in em. With larger ones, a formula could cover other parts of the page."""

_NAMED = {"negativethinmathspace": "-0.167em", "negativemediummathspace": "-0.2em", "negativethickmathspace": "-0.2em"}

_ATTRIBUTES = {
    **dict.fromkeys(("accent", "accentunder", "displaystyle", "fence", "largeop", "movablelimits"), _BOOLEAN),
    **dict.fromkeys(("separator", "stretchy", "symmetric"), _BOOLEAN),
    "form": re.compile("prefix|infix|postfix"),
    "linethickness": re.compile("0"),
    "scriptlevel": re.compile(r"[+-]?[0-2]"),
    **dict.fromkeys(("lspace", "rspace", "width", "height", "depth", "minsize", "maxsize"), _LENGTH),
}
"""The attributes that may pass, and the values of each."""

_CLASSES = {
    ("columnalign", "left"): "sv-m-left",
    ("columnalign", "right"): "sv-m-right",
    ("mathvariant", "bold"): "sv-m-bold",
    ("mathvariant", "italic"): "sv-m-italic",
    ("mathvariant", "monospace"): "sv-m-mono",
    ("notation", "box"): "sv-m-box",
    ("notation", "updiagonalstrike"): "sv-m-struck",
    ("notation", "downdiagonalstrike"): "sv-m-struck",
    ("notation", "horizontalstrike"): "sv-m-struck",
}
"""Attributes that browsers no longer know, as classes of the page's style sheet."""

_ALPHABETS = {
    "bold": (0x1D400, 0x1D41A, 0x1D7CE),
    "bold-italic": (0x1D468, 0x1D482, None),
    "double-struck": (0x1D538, 0x1D552, 0x1D7D8),
    "script": (0x1D49C, 0x1D4B6, None),
    "fraktur": (0x1D504, 0x1D51E, None),
    "sans-serif": (0x1D5A0, 0x1D5BA, 0x1D7E2),
    "monospace": (0x1D670, 0x1D68A, 0x1D7F6),
}
"""Where Unicode has A, a and 0 in a style of mathematics."""

_ELSEWHERE = {
    "double-struck": dict(zip("CHNPQRZ", "ℂℍℕℙℚℝℤ", strict=True)),
    "script": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
    "fraktur": dict(zip("CHIRZ", "ℭℌℑℜℨ", strict=True)),
}
"""The letters of a style that Unicode has in another place."""

_LIMITS = frozenset("lim max min sup inf limsup liminf argmax argmin det gcd Pr ∏ ∐ ∑ ⋃ ⋂ ⨁ ⨂".split())
"""Operators whose limits stand below and above them in a formula on a line of its own."""

_BELOW = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}

_QUANTITIES = frozenset("∞∂∇∅∆")
"""Mathematical symbols that are not operators."""


class _UnshownError(Exception):
    """A formula that can't be shown correctly."""


@lru_cache(maxsize=512)
def mathml(tex: str, *, block: bool) -> str | None:
    """Return a formula as a `math` element, or None if it can't be shown correctly."""
    if len(tex) > LONGEST or not tex.strip() or _REFUSED.search(tex):
        return None
    from latex2mathml.converter import convert_to_element

    display = "block" if block else "inline"
    try:
        tree = convert_to_element(_known(tex), display=display)
        writer = _Writer(block=block)
        inner = "".join(piece for child in tree for piece in writer.written(child, 0))
    except Exception:  # noqa: BLE001  the library raises IndexError, ValueError and others for what it can't parse
        return None
    return f'<math display="{display}" dir="ltr" alttext="{escape(_one_space(tex))}">{inner}</math>'


def _one_space(tex: str) -> str:
    return " ".join(tex.split())


def _known(tex: str) -> str:
    """Return a formula in the words that the library knows."""
    found = re.sub(r"(?<!\\)%[^\n]*", "", tex)
    found = re.sub(r"\\(?:label\{[^{}]*\}|nonumber|notag)(?![a-zA-Z])", "", found)
    found = re.sub(r"\\(begin|end) ?\{([a-z]+\*?)\}", _environment, _one_space(found))
    found = re.sub(r"\\text ?\{([^{}$]*\$[^{}]*)\}", _text_with_math, found)
    found = re.sub(r"\\arg(?![a-zA-Z])", r"\\operatorname{arg}", found)
    found = re.sub(r"\\operatorname\*? ?\{([^{}]*)\}", _operator, found)
    found = re.sub(r"\\not ?=", r"\\neq ", found).replace(r"\setminus", "∖")
    found = re.sub(r"\\tag\*? ?\{([^{}]*)\}", r"\\qquad\\text{(\1)}", found)
    if "\\begin" not in found and (r"\\" in found or re.search(r"(?<!\\)&", found)):
        found = rf"\begin{{align*}}{found}\end{{align*}}" if "&" in found else rf"\begin{{matrix}}{found}\end{{matrix}}"
    return found


def _operator(match: re.Match[str]) -> str:
    name = re.sub(r"\\[,!;: ]|~| ", "", match[1])
    return rf"\operatorname{{{name}}}" if name.isascii() and name.isalpha() else rf"\text{{{name}}}"


def _environment(match: re.Match[str]) -> str:
    name = _ENVIRONMENTS.get(match[2], match[2])
    return rf"\{match[1]}{{{name}}}" if name else ""


def _text_with_math(match: re.Match[str]) -> str:
    """Return text that has formulas between dollar signs as texts and formulas that follow each other."""
    pieces = match[1].split("$")
    if not len(pieces) % 2:
        raise _UnshownError
    return "".join(piece if place % 2 else rf"\text{{{piece}}}" for place, piece in enumerate(pieces) if piece)


class _Writer:
    """Writes the elements of one formula."""

    def __init__(self, *, block: bool) -> None:
        self._block, self._written = block, 0

    def written(self, element: Element, depth: int) -> Iterator[str]:
        """Yield an element as text, or raise an error if a page can't show it."""
        tag = element.tag
        self._written += 1
        if tag not in _ELEMENTS or depth > _DEEPEST or self._written > _MOST_ELEMENTS or (element.tail or "").strip():
            raise _UnshownError
        if tag in _CHILDREN and len(element) != _CHILDREN[tag]:
            raise _UnshownError
        name, text = tag, ""
        if tag in _TOKENS and not len(element):
            text = _text(element)
            name = "mo" if tag == "mi" and _is_operator(text) else tag
        elif (element.text or "").strip():
            raise _UnshownError
        elif tag in _TOKENS or tag == "menclose":  # a token that has elements in it; browsers don't know the other
            name = "mrow"
        elif tag in _BELOW and self._block and _has_limits(element[0]):
            name = _BELOW[tag]
        yield f"<{name}{''.join(_attributes(element))}>{escape(text)}"
        lined = _Lines(element) if tag == "mtable" else None
        for row, child in enumerate(element):
            if lined:
                lined.mark(row, child)
            yield from self.written(child, depth + 1)
        yield f"</{name}>"


class _Lines:
    """The lines between the rows and columns of a table, as classes of its cells."""

    def __init__(self, table: Element) -> None:
        self._rows = str(table.get("rowlines") or "").split()
        self._columns = str(table.get("columnlines") or "").split()

    def mark(self, number: int, row: Element) -> None:
        below = self._rows[number : number + 1] == ["solid"]
        for column, cell in enumerate(row):
            beside = self._columns[column : column + 1] == ["solid"]
            cell.set("lines", f"{'sv-m-below ' if below else ''}{'sv-m-beside' if beside else ''}".strip())


def _text(element: Element) -> str:
    """Return the text of a token. A command that is left in it was not understood."""
    given = element.text or ""
    if given == "&" or (element.tag != "mtext" and re.match(r"\\(?:[a-zA-Z]|$)", given)):
        raise _UnshownError
    text = re.sub(r"\\([^a-zA-Z\\\s])", r"\1", without_hidden(unescape(given)))
    variant = "" if element.tag == "mtext" else str(element.get("mathvariant") or "")
    return "".join(_letter(one, variant) for one in text) if variant in _ALPHABETS else text


def _letter(letter: str, variant: str) -> str:
    """Return a letter in a style of mathematics, if Unicode has it."""
    if not letter.isascii() or not letter.isalnum():
        return letter
    upper, lower, digits = _ALPHABETS[variant]
    base, first = (digits, "0") if letter.isdigit() else (lower, "a") if letter.islower() else (upper, "A")
    moved = letter if base is None else chr(base + ord(letter) - ord(first))
    return _ELSEWHERE.get(variant, {}).get(letter, moved)


def _has_limits(element: Element) -> bool:
    return element.tag == "mo" and unescape(element.text or "").replace("\u2009", "").replace("\u2006", "") in _LIMITS


def _is_operator(text: str) -> bool:
    """Return whether a symbol is a relation or an operator, which has space around it."""
    return len(text) == 1 and category(text) == "Sm" and text not in _QUANTITIES


def _attributes(element: Element) -> Iterator[str]:
    classes = [str(element.get("lines") or "")]
    for name, given in element.attrib.items():
        value = _NAMED.get(str(given), str(given))
        if name == "mathvariant" and value == "normal" and element.tag == "mi":
            yield ' mathvariant="normal"'
        elif name == "linebreak":
            raise _UnshownError  # browsers ignore it, and the lines would run together
        elif (name, value) in _CLASSES and (name != "mathvariant" or element.tag == "mtext"):
            classes.append(_CLASSES[name, value])
        elif (kinds := _ATTRIBUTES.get(name)) and (match := kinds.fullmatch(value)):
            fitting = _length(match) if kinds is _LENGTH else value
            if fitting:
                yield f' {name}="{fitting}"'
    if any(classes):
        yield f' class="{" ".join(filter(None, classes))}"'


def _length(match: re.Match[str]) -> str | None:
    """Return a length in em, or None if it is beyond the limits."""
    try:
        ems = float(match[1]) * _EM[match[2]]
    except ValueError:
        return None
    return f"{ems:.4g}em" if _NARROWEST <= ems <= _WIDEST else None

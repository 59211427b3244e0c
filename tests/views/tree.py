"""A page as a tree for readable snapshots: one element per line, without the spaces that no browser shows.

What it leaves out is spaces alone. Those that are shown stay: within preformatted text, and between words or links in
one line, where one at the beginning or end of a text stands as ␣.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

from tests.views.conftest import VOID, Tags

_INLINE = frozenset("a abbr b bdi bdo br button code em i img input label mark meter s select small span strong sub "
                    "sup svg textarea time u wbr".split())  # fmt: skip
_ATOMIC = frozenset("br button img input meter select svg textarea wbr".split())
"""Elements that are inline outside and blocks inside."""

_KEPT = frozenset("pre script style td textarea".split())
_KEPT_CLASSES = frozenset("sv-note sv-plain".split())
"""Elements that keep their whitespace; table cells because of Datasette's own style."""

_SPREAD = frozenset(
    "sv-bar sv-cells sv-controls sv-clocks sv-delta sv-gap sv-item sv-legend sv-marks sv-meta sv-paging sv-panels "
    "sv-rate sv-rows".split()
)
"""Classes of flex and grid containers, in which whitespace between elements does not show."""

_SPACE = re.compile(r"[ \t\r\n\f]+")
_EDGES = re.compile(r"^ +| +$")
_SHORT = 120
"""Longest element, in characters, that is written on one line with its text."""


@dataclass
class _Element:
    tag: str
    attributes: dict[str, str | None] = field(default_factory=dict)
    children: list[_Element | str] = field(default_factory=list)

    @property
    def classes(self) -> frozenset[str]:
        return frozenset((self.attributes.get("class") or "").split())

    @property
    def kept(self) -> bool:
        return self.tag in _KEPT or bool(self.classes & _KEPT_CLASSES)

    @property
    def spread(self) -> bool:
        return bool(self.classes & _SPREAD) or self.attributes.get("role") == "group"

    @property
    def start(self) -> str:
        pairs = sorted(self.attributes.items())
        words = [name if value is None else f'{name}="{escape(value)}"' for name, value in pairs]
        return f"<{' '.join([self.tag, *words])}>"

    @property
    def end(self) -> str:
        return "" if self.tag in VOID else f"</{self.tag}>"


class _Reader(Tags):
    """Parses nested HTML into elements."""

    def __init__(self, html: str) -> None:
        self.root = _Element("")
        self._path = [self.root]
        super().__init__(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attrs)
        element = _Element(tag, dict(attrs))
        self._path[-1].children.append(element)
        if tag not in VOID:
            self._path.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        super().handle_startendtag(tag, attrs)
        self._path[-1].children.append(_Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        super().handle_endtag(tag)
        if tag not in VOID:
            self._path.pop()

    def handle_data(self, data: str) -> None:
        super().handle_data(data)
        children = self._path[-1].children
        if children and isinstance(children[-1], str):
            children[-1] += data
        else:
            children.append(data)


class _Spaces:
    """Removes spaces that a browser does not show: at the edges of a block, and repeated ones."""

    def __init__(self, root: _Element) -> None:
        self._open: tuple[list[_Element | str], int] | None = None
        """The last text if it ends with a space and nothing follows it."""
        self._fresh = True
        """Start an empty line."""
        self._within(root)

    def _within(self, element: _Element) -> None:
        for place, child in enumerate(element.children):
            if isinstance(child, str):
                self._text(child, element.children, place)
            elif child.tag not in _INLINE or element.spread:
                self._edge()
                self._alone(child)
                self._edge()
            elif child.tag in _ATOMIC or child.kept:
                self._open = None
                self._alone(child)
                self._fresh = False
            else:
                self._within(child)

    def _alone(self, element: _Element) -> None:
        if not element.kept:
            self._fresh = True
            self._within(element)
            self._edge()

    def _edge(self) -> None:
        if self._open:
            siblings, place = self._open
            siblings[place] = str(siblings[place]).removesuffix(" ")
        self._open, self._fresh = None, True

    def _text(self, text: str, siblings: list[_Element | str], place: int) -> None:
        text = _SPACE.sub(" ", text)
        if self._fresh or self._open:
            text = text.removeprefix(" ")
        siblings[place] = text
        if text:
            self._fresh = False
            self._open = (siblings, place) if text.endswith(" ") else None


def tree(html: str) -> str:
    """Return HTML with one element per line."""
    root = _Reader(html).root
    _Spaces(root)
    return "".join(f"{line}\n" for child in root.children for line in _lines(child, kept=False))


def _lines(node: _Element | str, *, kept: bool) -> list[str]:
    if isinstance(node, str):
        return _of_text(node, kept=kept)
    kept = kept or node.kept
    children = [child for child in node.children if child]
    inner = [line for child in children for line in _lines(child, kept=kept)]
    plain = all(isinstance(child, str) or child.tag in _INLINE for child in children)
    whole = f"{node.start}{''.join(inner)}{node.end}"
    if not inner or (len(inner) == 1 and plain and len(whole) <= _SHORT):
        return [whole]
    return [node.start, *(f"  {line}" for line in inner), *([node.end] if node.end else [])]


def _of_text(text: str, *, kept: bool) -> list[str]:
    if kept:
        return [_EDGES.sub(lambda found: "␣" * len(found[0]), escape(line, quote=False)) for line in text.split("\n")]
    edges = _EDGES.sub("␣", text)
    return [escape(edges, quote=False)] if text else []

"""Queries that people type, and the positions of their words in a text.

Pure. Any text is a query; `terms` defines the words of the index and what finds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .folding import fold, placed
from .passages import STOP_WORDS
from .terms import Term, Unit, is_word, part_starts, stem_of, terms, units

MOST_TERMS = 100
"""The most words and phrases of a query that are looked up; a pasted document has more."""

_MOST_LOOSE = 8
"""The most words of a query that are also looked for at the beginning of longer words, besides the last."""

_MOST_WORDS = 40
"""The same as MOST_TERMS for a search in llm's own indexes, which looks for all of them."""

_WORDS_AND_PHRASES = re.compile(r'"([^"]+)"|([^\s"]+)')
_PHRASE = re.compile(r'"([^"]*)"')
_BEGINNING = re.compile(r"[^*]*\w{2}\*")
_RAW = re.compile(r'"((?:[^"]|"")*)"\s*(\*?)|([A-Za-z0-9_\x1a\u0080-\U0010ffff]+)\s*(\*?)|(.)', re.DOTALL)
_KEPT = re.compile(r"AND|OR|NOT|NEAR")
_HALF = re.compile("[\ud800-\udfff]")
_PUNCTUATION = re.compile(r"[\s!-/:-@\[-`{-~]")
_NEEDLE = 2
_EDGE = 24
"""The most characters that the ends of a snippet may move, so that no word is cut."""


@dataclass(frozen=True)
class Lookup:
    """What to look for: FTS5 expressions. All are empty if there is no word.

    `all_of` finds passages with all words and phrases of a query, `any_of` passages with some. `telling` are the terms
    with meaning (or all terms, if none has), each for a search by itself.
    """

    all_of: str
    any_of: str
    telling: tuple[str, ...]


@dataclass(frozen=True)
class TypedQuery:
    """A query for the index. `words` are its words and phrases as typed, for marking them.

    `exact` finds the words that were typed, with other endings too. `loose` also finds longer words that begin with
    them; `loosest` also those whose stems are so common that what is found has to be checked. A query of only
    punctuation has `signs` instead, which no index holds: texts have to be read for them.
    """

    words: tuple[str, ...]
    exact: Lookup
    loose: Lookup
    loosest: Lookup
    signs: tuple[str, ...] = ()


def query_of(text: str) -> TypedQuery:
    """Return any text as a query of words, and of phrases in double quotes; `pier*` finds words that begin with pier.

    No other character is treated as syntax.
    """
    found: dict[str, tuple[str, Term]] = {}
    beginnings: set[str] = set()
    for typed in dict.fromkeys(_typed(text)):
        if len(found) == MOST_TERMS:
            break
        is_beginning = bool(_BEGINNING.fullmatch(typed))
        word = typed.removesuffix("*") if is_beginning else typed
        for term in terms(word):
            if len(found) < MOST_TERMS:
                found.setdefault(term.exact, (word, term))
                if is_beginning:
                    beginnings.add(term.exact)
    telling = {exact for exact, (typed, _) in found.items() if typed.lower() not in STOP_WORDS} or set(found)
    last = next(reversed(found), None)
    exact = {one: found[one][1].loose(STOP_WORDS) if one in beginnings else one for one in found}
    few = len(found) <= _MOST_LOOSE
    if len(_PUNCTUATION.sub("", text)) == 1:
        last = None  # a letter by itself would find nearly everything
    longer = [one for one in found if one == last or (few and len(found) > 1 and one in telling)]
    loose = exact | {one: found[one][1].loose(STOP_WORDS) for one in longer}
    loosest = exact | {one: found[one][1].loose() for one in longer}
    words = tuple(dict.fromkeys(typed for typed, _ in found.values()))
    signs = () if found else tuple(dict.fromkeys(sign for sign in text.split() if sign.isprintable()))
    return TypedQuery(words, _asked(exact, telling), _asked(loose, telling), _asked(loosest, telling), signs)


def _asked(expressions: dict[str, str], telling: set[str]) -> Lookup:
    chosen = tuple(expression for exact, expression in expressions.items() if exact in telling)
    return Lookup(" AND ".join(expressions.values()), " OR ".join(chosen), chosen)


def typed(text: str) -> list[tuple[str, bool]]:
    """Return the words and quoted phrases of a text, each with whether longer words count for it too (`pier*`)."""
    found = {word.removesuffix("*"): bool(_BEGINNING.fullmatch(word)) for word in _typed(text)}
    return [(word, begins) for word, begins in found.items() if any(map(str.isalnum, word))][:MOST_TERMS]


def _typed(text: str) -> Iterator[str]:
    """Yield the phrases in quotes, then the stretches without blanks."""
    if text.count('"') > 1:  # a pair of quotes
        yield from (found.group(1) for found in _PHRASE.finditer(text))
        text = _PHRASE.sub(" ", text)
    yield from text.split()


def raw_query_of(text: str) -> TypedQuery:
    """Return FTS5 syntax as a query, with its words as the index has them. Only FTS5 can tell whether it is valid."""
    text = _HALF.sub(" ", text)
    simple = "NEAR" not in text and "+" not in text
    words: list[str] = []
    made: list[str] = []
    for found in _RAW.finditer(text):
        quoted, quoted_star, bare, bare_star, other = found.groups()
        typed, star = (quoted, quoted_star) if quoted is not None else (bare, bare_star)
        if other is not None:
            made.append(other if other.isprintable() else " ")
        elif bare is not None and _is_syntax(text, found, "".join(made)):
            made.append(f" {found.group()} ")
        else:
            words.append(typed)
            made.append(f" {_raw_term(typed, star, simple=simple)} ")
    asked = Lookup("".join(made), "".join(made), ())
    return TypedQuery(tuple(words), asked, asked, asked)


def _is_syntax(text: str, found: re.Match[str], before: str) -> bool:
    """Return whether a bare word is an operator, the name of a column, or the number of NEAR(a b, 3)."""
    word = found.group(3)
    if _KEPT.fullmatch(word) or text[found.end() :].lstrip().startswith(":"):
        return True
    return word.isdigit() and before.rstrip().endswith(",")


def _raw_term(typed: str, star: str, *, simple: bool) -> str:
    pieces = terms(typed)
    if not pieces:
        return '""'
    if star and simple:
        return f"({' AND '.join([*(piece.exact for piece in pieces[:-1]), pieces[-1].loose(STOP_WORDS)])})"
    if star:
        return pieces[-1].beginning
    return pieces[0].exact if len(pieces) == 1 else f"({' AND '.join(piece.exact for piece in pieces)})"


def match(text: str) -> str | None:
    """Return the query for llm's own indexes: all words and quoted phrases of a text, or None if it has no word.

    Those indexes split texts differently from ours, and know nothing of `terms`.
    """
    words = [quoted or word for quoted, word in _WORDS_AND_PHRASES.findall(text)][:_MOST_WORDS]
    wanted = [word for word in words if any(character.isalnum() for character in word)]
    return " ".join(f'"{word[:-1]}"*' if _BEGINNING.fullmatch(word) else f'"{word}"' for word in wanted) or None


# -- marks -------------------------------------------------------------


class Marker:
    """Finds the words, phrases and signs of a query in texts."""

    def __init__(self, words: Sequence[str], signs: Sequence[str] = ()) -> None:
        self.terms = [term for word in words for term in terms(word)]
        self.signs = signs
        self._place = lru_cache(maxsize=4)(_Place)
        self._needles = [_needle(term) for term in self.terms]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the positions of the words in a text: (start, end) in characters, in order, not overlapping.

        A word is also found with other endings (sign, signs, signed), ignoring case and accents. If it is nowhere in
        the text, longer words that begin with it are marked, or its place in a word of several parts.
        """
        here = self._place(text)
        signs = [found.span() for sign in self.signs for found in re.finditer(re.escape(sign), text)]
        return _merged([span for term in self.terms for span in here.found(term)] + signs)

    def held(self, text: str) -> int:
        """Return how many of the words and signs a text holds."""
        here = self._place(text)
        return sum(1 for term in self.terms if here.found(term)) + sum(sign in text for sign in self.signs)

    def all_in(self, texts: Sequence[str]) -> bool:
        """Return whether several texts together hold all words and signs."""
        if not all(any(sign in text for text in texts) for sign in self.signs):
            return False
        folded = "\n".join(fold(text).casefold() for text in texts)
        if not all(needle in folded for needle in self._needles):
            return False  # as fast as can be, since most texts don't
        places = [_Place(text) for text in texts]
        return all(any(here.found(term) for here in places) for term in self.terms)


def _needle(term: Term) -> str:
    """Return the beginning of a term that every text which holds it contains."""
    first = term.units[0]
    return first.text.casefold()[:_NEEDLE] if is_word(first) else first.text


class _Place:
    """A text whose units are known."""

    def __init__(self, text: str) -> None:
        folded, self.starts, self.ends = placed(text)
        self.units = units(folded)
        self.stems = [stem_of(unit) for unit in self.units]

    def found(self, term: Term) -> list[tuple[int, int]]:
        """Return where a term is in the text, or else where something longer is that begins with it."""
        return list(self._found(term, loose=False)) or list(self._found(term, loose=True))

    def _found(self, term: Term, *, loose: bool) -> Iterator[tuple[int, int]]:
        sought = [(unit, stem_of(unit)) for unit in term.units]
        for at in range(len(self.units) - len(sought) + 1):
            if loose or self.stems[at] == sought[0][1]:
                begins = self._begins(at, sought, loose=loose, complete=term.complete)
                if begins is not None:
                    yield self.starts[begins], self.ends[self.units[at + len(sought) - 1].end - 1]

    def _begins(self, at: int, sought: Sequence[tuple[Unit, str]], *, loose: bool, complete: bool) -> int | None:
        """Return where in the folded text a term begins if its units are those from a place on."""
        begins = self.units[at].start
        for step, (unit, stem) in enumerate(sought):
            here = self.units[at + step]
            if (
                step
                and unit.run
                and unit.start == sought[step - 1][0].end
                and here.start != self.units[at + step - 1].end
            ):
                return None
            if self.stems[at + step] == stem and here.run == unit.run:
                continue
            if not loose or not (is_word(unit) and is_word(here)):
                return None
            if step == len(sought) - 1 and not complete and here.text.casefold().startswith(unit.text.casefold()):
                continue
            start = "" if complete or len(sought) > 1 else unit.text.casefold()
            part = None if step else _part(here.text, start, stem, alone=len(sought) == 1)
            if part is None:
                return None
            begins += part
        return begins


def _part(word: str, beginning: str, stem: str, *, alone: bool) -> int | None:
    """Return where in a word of several parts one begins that has a stem or, from there on, a beginning.

    Unless the part is `alone`, it has to reach to the end of the word.
    """
    starts = part_starts(word)
    if not starts:
        return None
    for start, end in zip([0, *starts], [*starts, len(word)], strict=True):
        rest, part = word[start:].casefold(), word[start:end].casefold()
        stems = [stem_of(Unit(one, 0, 0)) for one in ([rest, part] if alone else [rest])]
        if stem in stems or (beginning and rest.startswith(beginning)):
            return start
    return None


def spans(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of words and phrases in a text. See `Marker.spans`."""
    return Marker(words).spans(text)


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


# -- snippets ----------------------------------------------------------


def snippet(text: str, marker: Marker, width: int) -> tuple[str, list[tuple[int, int]]]:
    """Return about `width` characters of a text around its first and densest matches, on one line, and the matches."""
    flat = " ".join(text.split())
    marks = marker.spans(flat)
    if len(flat) <= width:
        return flat, marks
    best = max(range(len(marks)), key=lambda i: (_within(marks, i, width), -i), default=None)
    start = 0 if best is None else max(0, marks[best][0] - width // 4)
    start = min(start, len(flat) - width)
    end = start + width
    if start and " " in flat[start - 1 : start + _EDGE]:
        start = flat.index(" ", start - 1) + 1
    if end < len(flat) and " " in flat[end - _EDGE : end + 1]:
        end = flat.rindex(" ", end - _EDGE, end + 1)
    head, tail = "…" if start else "", "…" if end < len(flat) else ""
    shown = flat[start:end].rstrip()
    end = start + len(shown)
    inside = [(max(s, start), min(e, end)) for s, e in marks if s < end and e > start]  # a mark may be longer
    return head + shown + tail, [(s - start + len(head), e - start + len(head)) for s, e in inside]


def _within(marks: list[tuple[int, int]], first: int, width: int) -> int:
    return sum(1 for start, _ in marks[first:] if start < marks[first][0] + width * 3 // 4)

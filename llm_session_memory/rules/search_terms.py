"""Queries that people type, and the positions of their words in a text.

Pure. Any text is a query; `passages` defines the words of the index. The index knows the stems of English words
(porter). Here an approximation is enough, because it only decides what to mark in the results.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .passages import STOP_WORDS, phrase

MOST_TERMS = 100
"""The most words and phrases of a query that are looked up; a pasted document has more."""

_MOST_WORDS = 40
"""The same for a search in llm's own indexes, which looks for all of them."""

_WORDS_AND_PHRASES = re.compile(r'"([^"]+)"|([^\s"]+)')
_PHRASE = re.compile(r'"([^"]*)"')
_OPERATORS = re.compile(r"\b(?:AND|OR|NOT|NEAR)\b|[(){}^+:,]|\bNEAR\([^)]*,\s*\d+\)")
_HALF = re.compile("[\ud800-\udfff]")
_MARKS = "\u0300-\u036f"
_WORD = re.compile(f"(?:[^\\W_][{_MARKS}]*)+")
_UNSPACED = "[\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
"""Not compiled here: it takes milliseconds, and most searches never need it."""
_ENDINGS = tuple("ational fulness iveness ingly edly ments ment ness ing ies ied ion ed es er ly s".split())
_SHORTEST_STEM = 3
_EDGE = 24
"""The most characters that the ends of a snippet may move, so that no word is cut."""


@dataclass(frozen=True)
class Query:
    """A query for the index. `terms` are its words and phrases as typed, for marking them.

    `all_of` finds passages with all of them, `any_of` passages with some; both are empty if there is no word. `telling`
    are the terms with meaning (or all terms, if none has), each for a search by itself.
    """

    terms: tuple[str, ...]
    all_of: str
    any_of: str
    telling: tuple[str, ...]


def query_of(text: str) -> Query:
    """Return any text as a query of words, and of phrases in double quotes. No other character is treated as syntax."""
    found: dict[str, str] = {}
    for term in _terms(text):
        expression = phrase(term)
        if expression and len(found) < MOST_TERMS:
            found.setdefault(expression, term)
    telling = [expression for expression, term in found.items() if term.lower() not in STOP_WORDS] or list(found)
    return Query(tuple(found.values()), " AND ".join(found), " OR ".join(telling), tuple(telling))


def _terms(text: str) -> Iterator[str]:
    if text.count('"') > 1:  # a pair of quotes
        yield from (found.group(1) for found in _PHRASE.finditer(text))
        text = _PHRASE.sub(" ", text)
    yield from text.split()


def raw_query_of(text: str) -> Query:
    """Return FTS5 syntax as a query, with CJK text in the form of the index. Only FTS5 can tell whether it is valid."""
    parts = _HALF.sub(" ", text).split('"')
    for number in range(len(parts)):
        if number % 2:
            parts[number] = phrase(parts[number]) or '""'
        else:
            parts[number] = re.sub(f"{_UNSPACED}+", lambda run: f" {phrase(run.group())} ", parts[number])
    unbalanced = '"' if len(parts) % 2 == 0 else ""
    expression = "".join(parts) + unbalanced
    words = [quoted for quoted in _PHRASE.findall(text) if quoted.strip()]
    words += _OPERATORS.sub(" ", _PHRASE.sub(" ", text)).split()
    return Query(tuple(words), expression, expression, ())


def match(text: str) -> str | None:
    """Return the query for llm's own indexes: all words and quoted phrases of a text, or None if it has no word.

    Those indexes split texts differently from ours, and know nothing of `passages`.
    """
    words = [quoted or word for quoted, word in _WORDS_AND_PHRASES.findall(text)][:_MOST_WORDS]
    return " ".join(f'"{word}"' for word in words if any(character.isalnum() for character in word)) or None


# -- marks -------------------------------------------------------------


def spans(text: str, terms: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of the terms in a text: (start, end) in characters, in order, not overlapping.

    A word is also found with other endings (sign, signs, signed), ignoring case and accents; a word that ends with *
    matches by its beginning.
    """
    folded = _folded(text)
    words = [(match.start(), match.end(), _stem(match.group())) for match in _WORD.finditer(folded)]
    found: list[tuple[int, int]] = []
    for term in terms:
        sought = _folded(term)
        if re.search(_UNSPACED, sought):
            pattern = r"[\W_]*".join(map(re.escape, _WORD.findall(sought)))
            found += [match.span() for match in re.finditer(pattern, folded)]
        elif sought.endswith("*") and len(_WORD.findall(sought)) == 1:
            beginning = _WORD.findall(sought)[0]
            found += [match.span() for match in _WORD.finditer(folded) if match.group().startswith(beginning)]
        else:
            found += _sequences(words, [_stem(word) for word in _WORD.findall(sought)])
    return _merged(found)


def _sequences(words: list[tuple[int, int, str]], stems: list[str]) -> Iterator[tuple[int, int]]:
    if not stems:
        return
    for at, (start, _, stem) in enumerate(words):
        run = words[at : at + len(stems)]
        if stem == stems[0] and [word[2] for word in run] == stems:
            yield start, run[-1][1]


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _folded(text: str) -> str:
    """Return a text in lower case and without accents, with each character still at its position."""
    return text.lower() if text.isascii() else "".join(map(_fold, text))


def _fold(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0].lower()
    return base if len(base) == 1 else character


def _stem(word: str) -> str:
    """Return the part of a word that its other forms share."""
    word = re.sub(f"[{_MARKS}]", "", word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] in "eiy" else word


# -- snippets ----------------------------------------------------------


def snippet(text: str, terms: Sequence[str], width: int) -> tuple[str, list[tuple[int, int]]]:
    """Return about `width` characters of a text around its first and densest matches, on one line, and the matches."""
    flat = " ".join(text.split())
    marks = spans(flat, terms)
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
    inside = [(s - start + len(head), e - start + len(head)) for s, e in marks if s >= start and e <= end]
    return head + flat[start:end].rstrip() + tail, inside


def _within(marks: list[tuple[int, int]], first: int, width: int) -> int:
    return sum(1 for start, _ in marks[first:] if start < marks[first][0] + width * 3 // 4)

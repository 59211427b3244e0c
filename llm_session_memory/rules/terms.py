"""The words of texts as the index has them, and the FTS5 expressions that find them.

Pure. One rule makes the words of stored texts and of queries, so that a text finds itself:

- a word of letters and digits, folded (see `folding`), is its English stem; data longer than a word is cut off;
- a run of characters of a script without blanks is its overlapping pairs and its last character, so that any part of
  it can be found (as in Lucene's CJKAnalyzer);
- a sign that is not punctuation, such as an emoji, is a word;
- a word of several parts (parseHTTPRequest, v1) is found by each part and from each part on. Those are in a column of
  their own, `parts`, so that the words of a phrase follow each other in `text`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from ..model.frozen import dataclass
from .folding import fold, unspaced
from .stems import stem, stems_beginning

LONGEST_WORD = 64
"""The most characters of a word that are indexed; anything longer is data (base64, hashes of hashes)."""

_PIECE_WORDS, _PIECE_CHARACTERS, _PIECE_RUN = 8, 60, 20
"""A stretch without blanks that is longer is looked up in pieces: it may reach into the next passage."""

_MOST_PARTS = 8
_PART_CHARACTERS = 2.5
"""A word of more parts, or of four or more that are shorter than this on average, is data: it is not split."""

_PARTS = re.compile("U+L?(?!L)|U?L+|D+")
_PARTS_OF_ASCII = re.compile("[A-Z]+s?(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_FEW_PARTS = 4


@dataclass(frozen=True)
class Unit:
    """A word, a sign, or one character of a script without blanks, as part of a text that was folded.

    `start` and `end` are its place in the folded text. `run` says whether it is a character of a run, which the
    characters beside it in the text belong to as well.
    """

    text: str
    start: int
    end: int
    run: bool = False


# -- texts -------------------------------------------------------------


def indexed(text: str) -> tuple[str, str]:
    """Return the columns `text` and `parts` of the index for a text: words between blanks."""
    words = fold(text).split()
    if len(_WHOLE) > _MOST_KNOWN:
        _WHOLE.clear()
        _MORE.clear()
    whole = " ".join(map(_WHOLE.__getitem__, words))
    return whole, " ".join([_MORE[word] for word in words if word in _MORE])


class _Entries(dict[str, str]):
    """What stands for each folded word in the column `text`, found when it is first needed; and its parts in _MORE."""

    def __missing__(self, word: str) -> str:
        found, parts = _entries(word)
        if parts:
            _MORE[word] = parts
        self[word] = found
        return found


_WHOLE = _Entries()
_MORE: dict[str, str] = {}

_MOST_KNOWN = 100_000
"""How many words are kept in memory."""


def _entries(word: str) -> tuple[str, str]:
    """Return what stands for a folded word in each column of the index."""
    if word.isascii():
        return stem(word[:LONGEST_WORD].lower()), " ".join(_entries_of_parts(word))
    whole: list[str] = []
    more: list[str] = []
    for part, run in _runs(word):
        if run:
            whole += [*_pairs(part), part[-1]]
        else:
            whole.append(stem(part.casefold()[:LONGEST_WORD]))
            more += _entries_of_parts(part)
    return " ".join(whole), " ".join(more)


def _runs(word: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a folded word, and whether each is a run of a script without blanks."""
    end = 0
    for run in unspaced().finditer(word):
        if run.start() > end:
            yield word[end : run.start()], False
        yield run.group(), True
        end = run.end()
    if end < len(word):
        yield word[end:], False


def _pairs(run: str) -> Iterator[str]:
    return (run[i : i + 2] for i in range(len(run) - 1))


def _entries_of_parts(word: str) -> list[str]:
    starts = part_starts(word)
    if not starts:
        return []
    folded = [part.casefold() for part in _split(word, starts)]
    found = dict.fromkeys(stem("".join(folded[at:])[:LONGEST_WORD]) for at in range(1, len(folded)))
    found.update((stem(part), None) for part in folded[:-1])
    return list(found)


def part_starts(word: str) -> list[int]:
    """Return where the second and further parts of a word begin: at a capital or a digit, or after digits."""
    if word.isdigit() or len(word) > LONGEST_WORD:
        return []
    if word.isalpha() and (word[1:].islower() or word.isupper()):
        return []
    if word.isascii():
        starts = [found.start() for found in _PARTS_OF_ASCII.finditer(word)]
    else:
        kinds = "".join("D" if letter.isdigit() else "U" if letter.isupper() else "L" for letter in word)
        starts = [found.start() for found in _PARTS.finditer(kinds)]
    data = len(starts) > _MOST_PARTS or (len(starts) >= _FEW_PARTS and len(word) < _PART_CHARACTERS * len(starts))
    return [] if data else starts[1:]


def _split(word: str, starts: list[int]) -> list[str]:
    return [word[start:end] for start, end in zip([0, *starts], [*starts, len(word)], strict=True)]


def units(folded: str) -> list[Unit]:
    """Return the words, signs and characters of a folded text."""
    found: list[Unit] = []
    for word in re.finditer(r"\S+", folded):
        at = word.start()
        for part, run in [(word.group(), False)] if word.group().isascii() else _runs(word.group()):
            if run:
                found += [Unit(sign, at + i, at + i + 1, run=True) for i, sign in enumerate(part)]
            else:
                found.append(Unit(part, at, at + len(part)))
            at += len(part)
    return found


# -- queries -----------------------------------------------------------


@dataclass(frozen=True)
class Term:
    """A stretch of a query without blanks, or a phrase: units that follow each other in a text.

    If it is `complete`, its last word is not the beginning of a longer one: something followed it, as in `C++`.
    """

    units: tuple[Unit, ...]
    complete: bool = False

    @property
    def exact(self) -> str:
        """The FTS5 expression that finds its words, one after the other."""
        return next(_phrases(self.units))

    @property
    def beginning(self) -> str:
        """The FTS5 phrase that finds words that begin with its last, if their stems do."""
        return [*_phrases(self.units)][:2][-1]

    def loose(self, without: Collection[str] = ()) -> str:
        """Return the FTS5 expression that also finds words that begin with its last, and its first as a part of a word.

        It finds all that `exact` finds. `without` are stems that are too common to be tried for a longer word ("of" is
        the stem of "offing", which begins with "offi").
        """
        most = 1 if self.complete else None
        found = list(_phrases(self.units, without))[:most]
        first = self.units[0]
        if len(self.units) > 1 and is_word(first):
            found.append(f'(parts : "{stem_of(first)}" AND {_any(list(_phrases(self.units[1:], without))[:most])})')
        return _any(found)


def terms(text: str) -> list[Term]:
    """Return the terms that find a text which was typed as one.

    There is none if it has no words, and there are several if it is so long that it may reach into the next passage.
    """
    folded = fold(text)
    pieces = list(_pieces(units(folded)))
    return [Term(tuple(piece), piece is not pieces[-1] or folded.endswith(" ")) for piece in pieces]


def _pieces(whole: list[Unit]) -> Iterator[list[Unit]]:
    piece: list[Unit] = []
    for unit in whole:
        signs = sum(one.run for one in piece)
        long = piece and unit.end - piece[0].start > _PIECE_CHARACTERS
        if long or signs >= _PIECE_RUN or len(piece) - signs >= _PIECE_WORDS:
            yield piece
            piece = []
        piece.append(unit)
    if piece:
        yield piece


def _phrases(piece: Sequence[Unit], without: Collection[str] = ()) -> Iterator[str]:
    """Yield the phrases for a piece: its words, then those whose last word begins with its last."""
    last = piece[-1]
    if last.run:
        run = [last]
        for unit in reversed(piece[:-1]):
            if not unit.run or unit.end != run[0].start:
                break
            run.insert(0, unit)
        before = _tokens(piece[: len(piece) - len(run)])
        pairs = list(_pairs("".join(unit.text for unit in run)))
        yield _quoted([*before, *pairs]) if pairs else f"{_quoted([*before, last.text])} *"
        return
    before = _tokens(piece[:-1])
    yield _quoted([*before, stem_of(last)])
    if is_word(last):
        start = last.text.casefold()[:LONGEST_WORD]
        yield f"{_quoted([*before, start])} *"
        others = (one for one in stems_beginning(start) if one != stem(start) and one not in without)
        yield from (_quoted([*before, one]) for one in others)


def _tokens(piece: Sequence[Unit]) -> list[str]:
    """Return the words of the index for whole units: a run among them ends where it ends in the text."""
    found: list[str] = []
    for at, unit in enumerate(piece):
        following = piece[at + 1] if at + 1 < len(piece) else None
        if unit.run and following is not None and following.run and following.start == unit.end:
            found.append(unit.text + following.text)
        else:
            found.append(stem_of(unit))
    return found


def is_word(unit: Unit) -> bool:
    """Return whether a unit is a word, rather than a sign or a character of a run."""
    return not unit.run and unit.text[0].isalnum()


def stem_of(unit: Unit) -> str:
    """Return the word of the index for a word or a sign."""
    return unit.text if unit.run else stem(unit.text.casefold()[:LONGEST_WORD])


def _quoted(tokens: Sequence[str]) -> str:
    return f'"{" ".join(tokens)}"'


def _any(alternatives: Sequence[str]) -> str:
    return alternatives[0] if len(alternatives) == 1 else f"({' OR '.join(alternatives)})"

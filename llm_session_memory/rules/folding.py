"""Texts folded for search: what counts as the same letter, where words begin, and what is a sign of its own.

Pure. Case, accents, width and ligatures don't matter (ß is ss, Ａ is a, ﬁ is fi, ά is α), nor do the two letters that
are lower case for a capital I in Turkish, points and vowel marks of Hebrew and Arabic, or invisible characters. Vowel
signs of Indian and Southeast Asian scripts do matter: they are not accents.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u103f\u104c-\u109f\ua9e0-\ua9fe\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u1950-\u19df\u1a20-\u1a7f\u1b00-\u1b4c\ua980-\ua9c0\uaa80-\uaadd"  # Tai, Balinese, Javanese
    "\u1100-\u11ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\ua000-\ua48c"  # Hangul jamo, Bopomofo, small kana, Yi
    "\u3005-\u3007\u3041-\u3096\u3099\u309a\u30a1-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00016fe0-\U00018d08\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
"""The characters of scripts that are written without blanks, as the inside of a set in a regular expression.

Hangul is one of them, because endings and particles follow its words without a blank.
"""

_SAME = {
    "ı": "i", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T",
    "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ـ": "",
}  # fmt: skip
"""Letters that Unicode doesn't decompose, and the Arabic letter that only makes words longer."""

_DRAWN = re.compile("[\u2500-\u259f\u2800-\u28ff]")
"""Lines of tables and progress bars: signs that nobody looks for, in large numbers."""

_HEBREW_AND_ARABIC = range(10, 37)
_ACCENTS = 200
"""Canonical combining classes: of points and vowel marks, and of the first of the accents above and below letters."""

_SPACE_WITHIN = re.compile("\u200b+")


@cache
def unspaced() -> re.Pattern[str]:
    """Return the pattern of a run of characters of scripts without blanks.

    It takes milliseconds to compile, and most sessions never need it.
    """
    return re.compile(f"[{UNSPACED}]+")


def fold(text: str) -> str:
    """Return a text as words between blanks, without accents, in the case that it had. Each other sign stands alone.

    Punctuation is left out.
    """
    if text.isascii():
        return text.translate(_TABLE)
    if "\u200b" in text:  # marks a possible break; only words of scripts without blanks are not broken by it
        text = _SPACE_WITHIN.sub(lambda found: "" if _unspaced_beside(text, *found.span()) else " ", text)
    return unicodedata.normalize("NFKC", text).translate(_TABLE)


def _unspaced_beside(text: str, start: int, end: int) -> bool:
    return any(unspaced().match(character) for character in (text[start - 1 : start], text[end : end + 1]))


class _Table(dict[int, str]):
    """What each character is folded to, found when it is first needed."""

    def __missing__(self, code: int) -> str:
        found = self[code] = _folded(chr(code))
        return found


_TABLE = _Table({code: chr(code) if chr(code).isalnum() else " " for code in range(128)})


def _folded(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LMN":
        return _SAME[character] if character in _SAME else _folded_letter(character, category)
    if category[0] == "S" or category in ("Co", "Cn"):  # a new emoji has no category yet
        return " " if _DRAWN.match(character) else f" {character} "
    return "" if category == "Cf" else " "


def _folded_letter(character: str, category: str) -> str:
    if category == "Nd":
        return str(unicodedata.digit(character))
    if unspaced().match(character):
        return character
    if category[0] == "M":
        return "" if _is_accent(character) else character
    return "".join(part for part in unicodedata.normalize("NFKD", character) if not _is_accent(part)) or character


def _is_accent(character: str) -> bool:
    category = unicodedata.category(character)
    if category == "Mn":
        class_ = unicodedata.combining(character)
        return class_ >= _ACCENTS or class_ in _HEBREW_AND_ARABIC or "\ufe00" <= character <= "\ufe0f"
    return category == "Me"


def placed(text: str) -> tuple[str, list[int], list[int]]:
    """Return the folded text, and for each of its characters where in the text it begins and ends."""
    if text.isascii():
        return fold(text), list(range(len(text))), list(range(1, len(text) + 1))
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and _joins(text[end]):
            end += 1
        part = fold(text[at:end])
        folded.append(part)
        starts += [at] * len(part)
        ends += [end] * len(part)
        at = end
    return "".join(folded), starts, ends


def _joins(character: str) -> bool:
    """Return whether a character belongs to the one before it: a mark, an invisible one, a vowel or end of Hangul."""
    if character.isascii():
        return False
    return "\u1160" <= character <= "\u11ff" or unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf")

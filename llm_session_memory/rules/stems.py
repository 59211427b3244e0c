"""The stems of English words: Porter's algorithm, as FTS5's `porter` tokenizer applies it.

Pure. Stemming happens here rather than in FTS5, because FTS5 also stems the beginning of a word that is searched for
(`copy*` becomes `copi*`, which misses "copyright").

The algorithm: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, pages 130-137.
"""

from __future__ import annotations

from functools import lru_cache

_SHORTEST, _LONGEST = 3, 64
"""Words of other lengths are their own stems."""

_STEP_2 = dict(
    pair.split(">")
    for pair in (
        "ational>ate tional>tion enci>ence anci>ance izer>ize logi>log bli>ble alli>al entli>ent eli>e ousli>ous"
        " ization>ize ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble"
    ).split()
)
_STEP_3 = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_STEP_4 = dict.fromkeys(
    "al ance ence er ic able ible ant ement ment ent sion tion ou ism ate iti ous ive ize".split(), ""
) | {"sion": "s", "tion": "t"}


def _by_ending(step: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """Return the suffixes of a step with what replaces them, longest first, by their last letter."""
    found: dict[str, list[tuple[str, str]]] = {}
    for suffix in sorted(step, key=len, reverse=True):
        found.setdefault(suffix[-1], []).append((suffix, step[suffix]))
    return found


_STEPS = tuple((_by_ending(step), least) for step, least in ((_STEP_2, 0), (_STEP_3, 0), (_STEP_4, 1)))

_SUFFIXES = tuple(
    dict.fromkeys(
        suffix[:-1] + "y" if suffix.endswith("i") else suffix
        for suffix in ("s", "es", "ies", "ed", "eed", "ied", "ing", "y", "e", "ion", *_STEP_2, *_STEP_3, *_STEP_4)
    )
)
_FOLLOWING = ("ing", "ed", "s", "es", "e", "ly", "ness", "ful", "able", "ation")
_ENDINGS = ("", "s", "ed", "ing", "ly", "ness", "fulness")
"""What can follow a suffix, and change what is left of the word."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """Return the stem of an English word in lower case. Other words are returned unchanged."""
    if not _SHORTEST <= len(word) <= _LONGEST or not word.isascii():
        return word
    if word[-1] == "s":
        word = _without_s(word)
    if word[-1] in "dg":
        word = _without_ed_or_ing(word)
    if word[-1] == "y" and _has_vowel(word[:-1]):
        word = word[:-1] + "i"
    for step, least in _STEPS:
        for suffix, replacement in step.get(word[-1], ()):
            if word.endswith(suffix) and len(word) > len(suffix):
                left = word[: -len(suffix)]
                if _measure(left + replacement if least and replacement else left) > least:
                    word = left + replacement
                break
    if word[-1] == "e" and _stands_without_e(word[:-1]):
        word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _without_s(word: str) -> str:
    if word.endswith("ss"):
        return word
    two = (word.endswith("sses") and word != "sses") or (word.endswith("ies") and word != "ies")
    return word[:-2] if two else word[:-1]


def _stands_without_e(word: str) -> bool:
    measure = _measure(word)
    return measure > 1 or (measure == 1 and not _ends_short(word))


def _without_ed_or_ing(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[: -len("eed")]) else word
    cut = 2 if word.endswith("ed") else 3 if word.endswith("ing") else 0
    if not cut or len(word) <= cut or not _has_vowel(word[:-cut]):
        return word
    word = word[:-cut]
    if word.endswith(("at", "bl", "iz")) and word not in ("at", "bl", "iz"):
        return word + "e"
    if len(word) > 1 and word[-1] == word[-2] and word[-1] not in "aeioulsz":
        return word[:-1]
    return word + "e" if _measure(word) == 1 and _ends_short(word) else word


def _sounds(word: str) -> str:
    """Return v for each vowel and c for each consonant; a y after a consonant is a vowel."""
    sounds, before = [], "v"
    for letter in word:
        before = "v" if letter in "aeiou" or (letter == "y" and before == "c") else "c"
        sounds.append(before)
    return "".join(sounds)


def _measure(word: str) -> int:
    """Return how often a consonant follows a vowel: Porter's m."""
    return _sounds(word).count("vc")


def _has_vowel(word: str) -> bool:
    return any(letter in "aeiou" or (letter == "y" and at) for at, letter in enumerate(word))


def _ends_short(word: str) -> bool:
    """Return whether a word ends with consonant, vowel, consonant, as in hop: Porter's *o."""
    return word[-1:] not in ("w", "x", "y") and _sounds(word).endswith("cvc")


def stems_beginning(start: str) -> list[str]:
    """Return the stems of words that begin with `start` if the stems themselves don't begin with it.

    "organizati" is the beginning of "organization", whose stem is "organ".
    """
    if not start.isascii() or len(start) > _LONGEST:
        return []
    found = dict.fromkeys([stem(start), *(stem(start + suffix) for suffix in _FOLLOWING)])
    for suffix in _SUFFIXES:
        for typed in range(1, min(len(suffix), len(start))):
            if start.endswith(suffix[:typed]):
                whole = start[: len(start) - typed] + suffix
                found.update((stem(whole + ending), None) for ending in _ENDINGS)
    return [one for one in found if one and not one.startswith(start)]

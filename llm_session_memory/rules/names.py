"""The rules for session names, and generated names for sessions without one.

Pure: names in, names out. Only the store knows whether a name is taken.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterable

from ..errors import NameRefused
from .safe_text import without_halves

LONGEST = 200
"""The most characters of a name."""

NO_PROJECT = "none"
"""The word for no project, which no project can be called."""

_BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
"""Hangul fillers and the Braille pattern without dots: printable according to Unicode, but invisible."""

_NEAR = 0.75
"""How similar two names must be (difflib's ratio) for a "did you mean"."""

_ALIKE = 0.6
"""How similar a name must be to be offered among others."""

_PART = 3
"""The fewest characters of a name that is a part of another."""

_JOINER, _NON_JOINER = "\u200d", "\u200c"

_MODIFIERS = "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""What may follow an emoji: the variation selector and the skin colours."""

_VIRAMA = 9
"""Unicode's combining class of the signs after which Indic scripts use joiners."""

_JOINING = ("ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "PHAGS-PA", "HANIFI", "ADLAM")
"""The first words of the names of letters that change their form where a word is joined or not."""

_NUMBERED = r"[\W_]*\d+[\W_]*|[\W_]+[^\W\d_](?=$|[\W_])"
"""A number, or a single letter as in `plan-a`, with what sets it apart."""

_FORKED = r"(.+)-([1-9]\d{0,2})"
"""The name of a fork, if the name without its number is another session's."""

_ADJECTIVES = """
    amber ancient bold brave bright brisk calm clear clever cosy crisp daring eager early easy fair fond free
    fresh gentle glad golden grand green happy honest humble keen kind light lively lucky mellow merry mild
    misty modest neat noble open patient plain polite proud quick quiet rapid rare ready rosy royal rustic
    serene sharp silent silver simple sincere smooth snowy sober solid steady still sturdy subtle sunny swift
    tall tender tidy true vivid warm wide wild wise witty young
""".split()
_NOUNS = """
    acorn anchor apple arch aspen atlas badger barley basin bay beacon birch bison bridge brook canal candle
    canoe canyon cedar cherry cliff clover comet coral crane creek dawn delta dune eagle ember falcon fern field
    finch fjord forest fox garden glacier glade grove harbour hare hazel heron hill island ivy jay juniper
    kestrel lagoon lake lantern larch lark linden lynx maple meadow mill moon moss oak orchard osprey otter owl
    pebble pine plum pond poplar quarry rain raven reed reef ridge river robin sail sparrow spring spruce star
    stone stream summit swan thistle thrush tide tulip valley violet walnut wave willow wren
""".split()


def check(name: str, whose: str = "session") -> str:
    """Return `name` in its stored form (trimmed, NFC). Raises NameRefused with the rule that it breaks.

    `whose` is the kind of thing that it names, for the error.
    """
    kept = unicodedata.normalize("NFC", name).strip()
    hint = f"A name has 1 to {LONGEST} printable characters, not only spaces, and no “/”."
    if not any(map(_visible, kept)):
        raise NameRefused(f"A {whose} name can't be blank.", hint)
    if len(kept) > LONGEST:
        raise NameRefused(f"That {whose} name is {len(kept):,} characters long.", hint)
    if "/" in kept:
        which = f"The {whose} name “{kept}”" if kept.isprintable() else f"That {whose} name"
        raise NameRefused(f"{which} contains a “/”.", hint)
    unprintable = ", ".join(sorted({f"U+{ord(c):04X}" for c in hidden(kept)}))
    if unprintable:
        if without_halves(kept) != kept:
            raise NameRefused(f"That {whose} name is not valid UTF-8 ({unprintable}).", hint)
        raise NameRefused(f"That {whose} name contains unprintable characters ({unprintable}).", hint)
    return kept


def check_project(name: str) -> str:
    """Return the name of a project in its stored form. Raises NameRefused with the rule that it breaks."""
    kept = check(name, "project")
    if key(kept) == NO_PROJECT:
        raise NameRefused(f"A project can't be called “{kept}”, because that means no project.", "Choose another name.")
    return kept


def hidden(name: str) -> str:
    """Return the characters of a name that can't be printed, except joiners that change how a name looks."""
    return "".join(c for place, c in enumerate(name) if not c.isprintable() and not _joins(name, place))


def _joins(name: str, place: int) -> bool:
    """Return whether a character is a joiner in an emoji, or in a word of a script that needs it."""
    character, before, after = name[place], name[:place], name[place + 1 : place + 2]
    if character not in (_JOINER, _NON_JOINER) or not before:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA or (after and unicodedata.combining(after) == _VIRAMA):
        return True  # conjuncts, as in Hindi, Bengali and Sinhala
    if character == _JOINER and after and _is_picture(after):
        return _is_picture(before.rstrip(_MODIFIERS)[-1:] or " ")
    bare = next((c for c in reversed(before) if unicodedata.category(c) != "Mn"), "")
    return _changes_form(bare) and (_changes_form(after) or (not after and character == _JOINER))


def _is_picture(character: str) -> bool:
    """Return whether a character can be part of a joined emoji; two arrows of emoji count as mathematical signs."""
    return unicodedata.category(character) == "So" or character in "\u2194\u27a1"


def _changes_form(character: str) -> bool:
    return unicodedata.name(character, "").split(" ")[0] in _JOINING if character else False


def _visible(character: str) -> bool:
    """Return whether a character is visible on its own: spaces and combining marks are not."""
    return unicodedata.category(character)[0] not in "ZM" and character not in _BLANK_LETTERS + _JOINER + _NON_JOINER


def key(name: str) -> str:
    """Return the key that makes a name unique: names that differ only in case or in runs of blanks have the same key.

    Bytes that are not UTF-8 (lone surrogates) become a replacement character, which any log accepts and no session name
    has.
    """
    if name.isascii():  # nearly all, and there may be 100,000 of them on a remote
        return _single_spaced(name).strip().lower()
    name = _single_spaced(unicodedata.normalize("NFC", without_halves(name)).strip())
    return unicodedata.normalize("NFC", name.casefold())


def _single_spaced(name: str) -> str:
    return re.sub(" {2,}", " ", name) if "  " in name else name


def near(name: str, existing: Iterable[str]) -> str | None:
    """Return the existing name that is most similar to `name`, or None; an equal name doesn't count."""
    import difflib  # a misspelt name is rare

    by_key = {key(other): other for other in existing}
    sought = key(name)
    by_key.pop(sought, None)
    if len(sought) * _NEAR > max(map(len, by_key), default=0) * (2 - _NEAR):
        return None  # too long to have enough in common with any; a model may give a whole text as a name
    found = difflib.get_close_matches(sought, by_key, n=1, cutoff=_NEAR)
    return by_key[found[0]] if found else None


def alike(name: str, existing: Iterable[str], most: int = 5) -> list[str]:
    """Return the existing names that may be meant by `name`: misspelt ones, then those with a part in common."""
    import difflib  # as above

    by_key = {key(other): other for other in existing}
    sought = key(name[:LONGEST])
    close = difflib.get_close_matches(sought, by_key, n=most, cutoff=_ALIKE)
    parts = [one for one in by_key if min(len(one), len(sought)) >= _PART and (sought in one or one in sought)]
    return [by_key[one] for one in dict.fromkeys([*close, *parts])][:most]


def mistyped(name: str, existing: Iterable[str]) -> str | None:
    """Return the existing name that a new name may be a misspelling of, or None.

    Names that differ only in their numbers, such as `chapter2` beside `chapter1`, or `plan-b` beside `plan`, are meant.
    """
    stem = re.sub(_NUMBERED, "", key(name))
    return near(name, [other for other in existing if re.sub(_NUMBERED, "", key(other)) != stem])


def retired(name: str, taken: Iterable[str]) -> str:
    """Return the name for a session whose own name goes to a new session: `work~1`, `work~2` and so on."""
    keys = {key(other) for other in taken}
    number = 1
    while True:
        ending = f"~{number}"
        candidate = name[: LONGEST - len(ending)] + ending
        if key(candidate) not in keys:
            return candidate
        number += 1


def forked(name: str, taken: Iterable[str]) -> str:
    """Return the name for a fork: `work-2`, or the next number that is not taken. The fork of `work-2` is `work-3`."""
    keys = {key(other) for other in taken}
    found = re.fullmatch(_FORKED, name)
    stem, number = (found[1], int(found[2]) + 1) if found and key(found[1]) in keys else (name, 2)
    while True:
        ending = f"-{number}"
        candidate = stem[: LONGEST - len(ending)] + ending
        if key(candidate) not in keys:
            return candidate
        number += 1


def generated(taken: Iterable[str], rng: random.Random | None = None) -> str:
    """Return a readable name that is not taken: `quiet-harbour`, or with a number if all random choices are taken."""
    keys = {key(other) for other in taken}
    rng = rng or random.Random()  # noqa: S311  a name, not a secret
    candidate = ""
    for _ in range(20):
        candidate = f"{rng.choice(_ADJECTIVES)}-{rng.choice(_NOUNS)}"
        if candidate not in keys:
            return candidate
    number = 2
    while f"{candidate}-{number}" in keys:
        number += 1
    return f"{candidate}-{number}"

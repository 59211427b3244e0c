"""What looks like a secret in a text: keys of model providers and other services, private keys, passwords. Pure.

A rule is a pattern, and hints: pieces that are in each text that it matches. Most texts have no hint, so most patterns
are never tried. The forms are those that the services document, or that their keys have.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model.frozen import dataclass
from .json_texts import mapped
from .secret_forms import FORMS, NAMED


@dataclass(frozen=True)
class SecretMatch:
    """A stretch of a text that looks like a secret, and the kind of secret in words, such as “OpenAI key”."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Rule:
    """How to find one kind of secret. The group `secret` of a pattern is the secret, or else the whole match.

    `hints`: one of them is in each text that has a match. If a rule has a pattern for what stands before (`before`),
    it goes by a telling name: a hint in any case, directly followed by what the pattern matches. Then the secret itself
    must look random.
    """

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    before: re.Pattern[str] | None = None

    def stretches(self, text: str, lower: str) -> Iterator[tuple[int, int]]:
        """Yield the stretches of a text that match. `lower` is the text in lower case, with the same length."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        if self.before is None:
            yield from (match.span(group) for match in self.pattern.finditer(text))
            return
        for hint in self.hints:
            place = lower.find(hint)
            while place >= 0:
                match = self.pattern.match(text, place + len(hint))
                if match and self.before.search(lower, max(place - _BEFORE, 0), place):
                    yield match.span(group)
                place = lower.find(hint, place + 1)


_BEFORE = 16
"""How many characters before a telling name are looked at."""

RULES = (
    *(Rule(kind, re.compile(pattern), hints) for kind, pattern, hints in FORMS),
    *(Rule(kind, re.compile(after, re.IGNORECASE), words, re.compile(before)) for kind, words, before, after in NAMED),
)
"""The rules, the most exact ones first: of matches that overlap, the first counts."""

More = Callable[[str], Iterable[SecretMatch]]
"""Finds more matches in a text, by the rules of another package."""

_INVENTED = re.compile(
    r"example|your|xxxx|changeme|change_me|placeholder|dummy|redacted|\*\*\*|\.\.\.|…|insert|<|>|\$\{|\$\(|1234567890",
    re.IGNORECASE,
)
"""Pieces of values that stand for a secret and are none."""

_FEWEST = 6
"""A secret has at least this many different characters."""

_ENTROPY = 2.9
"""The least entropy, in bits a character (Shannon), of what follows a word like “token”."""

_SHORT = 12
"""Shorter values only count after a word for a password."""

_PIECE = 6
"""A name or a date has no longer pieces between dashes, points and the like."""

_OPAQUE = frozenset({"signature", "thought_signature", "encrypted_content"})
"""Fields in which providers send random characters that are not a person's secrets."""

_SHOWN = 200
"""Values up to this length are looked at together with the name of their field."""


def hinted(text: str, rules: Iterable[Rule] = RULES) -> list[Rule]:
    """Return the rules that may match in a text, or in any of many texts that are joined."""
    lower = lowered(text)
    return [rule for rule in rules if any(hint in (text if rule.before is None else lower) for hint in rule.hints)]


def lowered(text: str) -> str:
    """Return a text in lower case, with the same length: a few characters would become two."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def matches(text: str, rules: Iterable[Rule] | None = None, more: More | None = None) -> list[SecretMatch]:
    """Return what looks like a secret in a text, in order, without overlaps.

    Args:
        text: The text.
        rules: The rules to try; None tries those that have a hint in the text.
        more: Finds more by the rules of another package. What our own rules find comes first.
    """
    found: list[SecretMatch] = []
    lower = lowered(text)
    for rule in hinted(text) if rules is None else rules:
        for start, end in rule.stretches(text, lower):
            value = text[start:end]
            if is_plausible(value) and not (rule.before is not None and is_ordinary(value, rule.kind)):
                found.append(SecretMatch(rule.kind, start, end))
    if more is not None:
        found += more(text)
    kept: list[SecretMatch] = []
    starts: list[int] = []
    for one in found:
        place = bisect(starts, one.start)
        before, after = kept[max(place - 1, 0) : place], kept[place : place + 1]
        if all(other.end <= one.start for other in before) and all(one.end <= other.start for other in after):
            kept.insert(place, one)
            starts.insert(place, one.start)
    return kept


def is_plausible(value: str) -> bool:
    """Return whether a value may be a secret, and is not an example of one, such as `sk-your-key` or `xxxxxxxx`."""
    return len(set(value)) >= _FEWEST and not _INVENTED.search(value)


def is_ordinary(value: str, kind: str) -> bool:
    """Return whether a value after a word like “token” or “password” is an ordinary word, number or path."""
    if value.startswith(("/", "./", "~", "http:", "https:", "$", "%", "@")):
        return True
    if not (re.search(r"[A-Za-z]", value) and re.search(r"\d", value)):
        return True
    if re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|\d[\d.,:%-]*[a-z]{1,6}", value):  # config.key1, 4096tokens
        return True
    if all(len(piece) <= _PIECE for piece in re.split(r"[-_./:]", value)):  # gpt-4o-mini-2024-07-18
        return True
    if len(value) < _SHORT:
        return kind != PASSWORD
    return entropy(value) < _ENTROPY


PASSWORD = "password"  # noqa: S105  the name of a kind


def entropy(value: str) -> float:
    """Return the entropy of a text in bits a character, by how often it has each character (Shannon)."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())


# -- JSON --------------------------------------------------------------


def texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in a JSON value, short ones with the name of their field, since it may say what they are."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            if isinstance(one, str) and len(one) <= _SHOWN and "\n" not in one:
                if name not in _OPAQUE:
                    yield f'{name}: "{one}"'
            elif name not in _OPAQUE:
                yield from texts_in(one)
            if len(name) > _SHORT:
                yield str(name)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from texts_in(one)


def texts_of(column: str | None, *, is_json: bool) -> Iterator[str]:
    """Yield the texts in a value of a table. What should be JSON and isn't is one text."""
    if not column:
        return
    if is_json:
        try:
            yield from texts_in(json.loads(column))
        except (ValueError, RecursionError):
            yield column
    else:
        yield column


# -- showing and replacing ---------------------------------------------


def masked(value: str) -> str:
    """Return a secret as it may be shown: its ends, as far as that says little, and its length."""
    line = value.strip().splitlines()[0] if "-----BEGIN" in value else value
    if line != value:
        return f"{line} ({len(value):,} characters)"
    ends = min(len(value) // 8, 4)
    return f"{value[:ends]}…{value[len(value) - ends :]} ({len(value):,} characters)"


def replacement(kind: str) -> str:
    """Return what replaces a secret in texts."""
    return f"[redacted: {kind}]"


class Redactor:
    """Replaces known secrets in texts and JSON values, in the forms too that they have inside JSON texts."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take secrets by their value, each with its kind."""
        self.secrets = dict(secrets)
        self._by: dict[str, str] = {}
        for value, kind in secrets.items():
            for form in _forms(value):
                self._by.setdefault(form, replacement(kind))
        longest_first = sorted(self._by, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self.needles: tuple[str, ...] = tuple(longest_first)

    def has(self, text: str) -> bool:
        """Return whether a text has a secret."""
        return any(needle in text for needle in self.needles)

    def text(self, text: str) -> str:
        """Return a text without the secrets; the same object if it has none."""
        if self._pattern is None or not self.has(text):
            return text
        changed = self._pattern.sub(lambda match: self._by[match[0]], text)
        if text[:1] in ("{", "[") and _is_json(text) and not _is_json(changed):
            return json.dumps(self.value(json.loads(text)))
        return changed

    def spans(self, text: str) -> list[tuple[int, int, int]]:
        """Return where a text changes: the start and the end of each secret, and the length of what replaces it."""
        if self._pattern is None or not self.has(text):
            return []
        return [(*match.span(), len(self._by[match[0]])) for match in self._pattern.finditer(text)]

    def value(self, value: Any) -> Any:
        """Return a JSON value without the secrets, in the names of fields too."""
        return mapped(value, self.text)

    def column(self, text: str, *, is_json: bool) -> str:
        """Return a value of a table without the secrets; JSON stays JSON."""
        if not self.has(text):
            return text
        if is_json:
            try:
                return json.dumps(self.value(json.loads(text)))
            except (ValueError, RecursionError):
                pass
        return self.text(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _forms(value: str) -> Sequence[str]:
    """Return how a value looks as it is, in JSON, and in JSON within JSON."""
    found = [value]
    for _ in range(2):
        found += [json.dumps(one, ensure_ascii=escape)[1:-1] for one in found for escape in (True, False)]
        found += [one.replace("/", "\\/") for one in found if "\\/" not in one]
    return tuple(dict.fromkeys(found))

"""The rules of the package detect-secrets, if it is installed (extra `secrets`), beside our own.

Its rules for private keys, JSON Web Tokens and passwords in addresses are ours too, and those for random characters and
for addresses of servers would find too much in conversations. It reads line by line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from ..rules.secrets import PASSWORD, More, SecretMatch, is_plausible

_NOT_USED = frozenset(
    [
        *("Base64HighEntropyString", "HexHighEntropyString", "IPPublicDetector"),
        *("PrivateKeyDetector", "JwtTokenDetector", "BasicAuthDetector"),
    ]
)

_NAMES = "key secret passw pwd pass contrasena private".split()

_HINTS: dict[str, Sequence[str]] = {
    "ArtifactoryDetector": ("akc", "ap"),
    "AWSKeyDetector": ("a3t", "abia", "acca", "akia", "asia", "aws"),
    "AzureStorageKeyDetector": ("accountkey",),
    "CloudantDetector": ("cloudant", "cl"),
    "DiscordBotTokenDetector": (".",),
    "GitHubTokenDetector": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    "GitLabTokenDetector": ("gl", "gr13"),
    "IbmCloudIamDetector": ("ibm",),
    "IbmCosHmacDetector": ("cos", "secret"),
    "KeywordDetector": _NAMES,
    "MailchimpDetector": ("-us",),
    "NpmDetector": ("_authtoken",),
    "OpenAIDetector": ("sk-",),
    "PypiTokenDetector": ("pypi-",),
    "SendGridDetector": ("sg.",),
    "SlackDetector": ("xox", "hooks.slack"),
    "SoftlayerDetector": ("softlayer", "sl"),
    "SquareOAuthDetector": ("sq0",),
    "StripeDetector": ("k_live_",),
    "TelegramBotTokenDetector": (":",),
    "TwilioKeyDetector": ("ac", "sk"),
}
"""For each class of rules, pieces of which a line must have one, in lower case. A class that is not here sees all."""

_TELLING = re.compile(r"[=:(].*[\"'`]|[\"'`].*[=:]|\w{24}")
"""A line with a secret has an assignment of a quoted text, or many characters without a blank."""

_LONGEST = 2_000
"""Longer lines are data, not what a person wrote; a few of the package's patterns take very long with them."""

_SHORTEST = 8


@cache
def more() -> More | None:
    """Return what finds secrets by the package's rules, or None if it is not installed."""
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.filters import heuristic
    except ImportError:
        return None
    kinds: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
    plugins = [kind() for kind in kinds if _is_used(kind)]
    ordinary = (
        *(heuristic.is_sequential_string, heuristic.is_templated_secret, heuristic.is_prefixed_with_dollar_sign),
        *(heuristic.is_not_alphanumeric_string,),
    )

    def find(text: str) -> Iterator[SecretMatch]:
        place = 0
        for line in text.splitlines(keepends=True):
            if len(line) <= _LONGEST and _TELLING.search(line):
                lower = line.lower()
                for plugin in plugins:
                    if any(hint in lower for hint in _HINTS.get(type(plugin).__name__, ("",))):
                        for value in _values(plugin, line):
                            if not any(is_one(value) for is_one in ordinary):
                                start = place + line.index(value)
                                yield SecretMatch(_kind(plugin), start, start + len(value))
            place += len(line)

    return find


def _is_used(kind: Any) -> bool:
    return kind.__name__ not in _NOT_USED and kind.__module__.startswith("detect_secrets.")


def _values(plugin: Any, line: str) -> set[str]:
    """Return the secrets that a class of rules finds in a line, if they may be some."""
    found = {str(value) for value in plugin.analyze_string(line) if value}
    return {
        value.strip("\"' :=\n")
        for value in found
        if len(value) >= _SHORTEST
        and not re.search(r"\s", value.strip("\"' :=\n"))
        and value.strip("\"' :=\n") in line
        and is_plausible(value)
    }


def _kind(plugin: Any) -> str:
    said = str(plugin.secret_type)
    return PASSWORD if said == "Secret Keyword" else said

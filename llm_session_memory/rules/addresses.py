"""Addresses of remotes: their kind, and their passwords. Pure.

An address is `postgresql://USER:PASSWORD@HOST/DATABASE?OPTION=VALUE`, the same with `mongodb://`, or the path of a
folder. Passwords never get into the log, a listing or a message: they are taken out here, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_plus

from ..errors import RemoteFailed
from .safe_text import one_line

POSTGRES, MONGODB, FOLDER = "postgres", "mongodb", "folder"

_SCHEMES = {"postgres": POSTGRES, "postgresql": POSTGRES, "mongodb": MONGODB, "mongodb+srv": MONGODB}
_SCHEME = re.compile(r"\s*([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_MISSPELLED = re.compile(r"\s*(postgres(ql)?|mongodb(\+srv)?)(:|/)", re.IGNORECASE)
_WORDS_OF_LIBPQ = re.compile(r"\s*(host|hostaddr|dbname|service|user|port|password)\s*=", re.IGNORECASE)
_SSH = re.compile(r"[\w.-]+@[\w.-]+:")

_PASSWORD = "password"  # noqa: S105  the name of a parameter
_SECRET = {_PASSWORD, "sslpassword", "tlscertificatekeyfilepassword", "authmechanismproperties", "proxypassword"}
"""Parameters of an address that are secrets, or may have one."""

_HIDDEN = "…"
_SHORTEST = 3
"""A secret of fewer characters is not looked for in texts, because it would be found in any word."""

_USERINFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s@]+@", re.IGNORECASE)
_NAMED = re.compile(rf"\b({'|'.join(sorted(_SECRET))})(\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&,;'\"]+)", re.IGNORECASE)


class Parted(NamedTuple):
    """An address without its secrets, and what was taken out.

    `password` is that of the user, decoded, or None. `others` tells whether there were further secrets.
    """

    address: str
    password: str | None
    others: bool


def kind_of(address: str) -> str:
    """Return whether an address is that of `postgres`, `mongodb` or a `folder`.

    Raises:
        RemoteFailed: It is an address of another kind. The message doesn't quote it, because it may have a password.
    """
    hint = "Give a postgresql:// or mongodb:// address, or a folder."
    found = _SCHEME.match(address)
    if found is not None:
        kind = _SCHEMES.get(found[1].lower())
        if kind is None:
            raise RemoteFailed(f"Conversations can't be kept at {one_line(found[0], 40)} addresses.", hint)
        return kind
    if _MISSPELLED.match(address):
        raise RemoteFailed("The address has no server name after “://”.", hint)
    if _WORDS_OF_LIBPQ.match(address):
        raise RemoteFailed("That is a list of PostgreSQL settings, not an address.", hint)
    if _SSH.match(address):
        raise RemoteFailed("Conversations can't be kept at an ssh address.", f"Mount it as a folder. {hint}")
    if not address.strip():
        raise RemoteFailed("The address is empty.", hint)
    return FOLDER


def parted(address: str) -> Parted:
    """Return an address without its secrets. Options such as `sslmode` stay.

    Raises:
        RemoteFailed: The address can't be read, so that a password could be overlooked.
    """
    if kind_of(address) == FOLDER:
        return Parted(address, None, others=False)
    address = address.strip()
    scheme, authority, path, query = _pieces(address)
    if "@" in path + query:
        message = "The address can't be read: there is an “@” after the server's name."
        raise RemoteFailed(message, "In user names and passwords, write @ as %40, / as %2F, ? as %3F and # as %23.")
    userinfo, at, hosts = authority.rpartition("@")
    user, colon, password = userinfo.partition(":")
    found = unquote(password) if colon else None
    kept, others = [], False
    for one in filter(None, query.split("&")):
        name, _, value = one.partition("=")
        if unquote_plus(name).lower() == _PASSWORD:
            found = unquote_plus(value)
        elif unquote_plus(name).lower() in _SECRET:
            others = True
        else:
            kept.append(one)
    where = f"{user}{at}{hosts}" if user else hosts
    return Parted(f"{scheme}{where}{path}{'?' if kept else ''}{'&'.join(kept)}", found or None, others)


def with_password(address: str, password: str) -> str:
    """Return an address with the password of its user."""
    scheme, authority, path, query = _pieces(address)
    userinfo, _, hosts = authority.rpartition("@")
    user = userinfo.partition(":")[0]
    return f"{scheme}{user}:{quote(password, safe='')}@{hosts}{path}{'?' if query else ''}{query}"


def whole(address: str, secret: str | None) -> str:
    """Return the address to connect to: `secret` is the password of `address`, or a whole address instead of it."""
    if secret is None:
        return address
    if _SCHEME.match(secret):
        return secret
    return secret if kind_of(address) == FOLDER else with_password(address, secret)


def without_secrets(text: str, addresses: Collection[str] = ()) -> str:
    """Return a text, such as the message of a driver, without the secrets of some addresses and of any in the text."""
    for secret in sorted({one for address in addresses for one in _secrets(address)}, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    text = _USERINFO.sub(rf"\1:{_HIDDEN}@", text)
    return _NAMED.sub(rf"\1\2{_HIDDEN}", text)


def _secrets(address: str) -> Iterator[str]:
    """Yield the secrets of an address in each form that a message may have them in."""
    if _SCHEME.match(address) is None:
        return
    _, authority, _, query = _pieces(address)
    written = [authority.rpartition("@")[0].partition(":")[2]]
    written += [
        value for name, _, value in (one.partition("=") for one in query.split("&")) if unquote(name).lower() in _SECRET
    ]
    for one in written:
        plain = unquote(one)
        forms = {one, plain, unquote_plus(one), quote(plain, safe=""), quote(plain), repr(plain)[1:-1]}
        yield from (form for form in forms if len(form) >= _SHORTEST)


def _pieces(address: str) -> tuple[str, str, str, str]:
    """Return an address's scheme with `://`, its users and servers, its path with `/`, and its query without `?`."""
    scheme, separator, rest = address.partition("://")
    end = next((place for place, character in enumerate(rest) if character in "/?#"), len(rest))
    path, _, query = rest[end:].partition("?")
    return scheme + separator, rest[:end], path, query

"""Addresses of remotes: of which kind each is, and that no secret of one is ever shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.rules.addresses import kind_of, parted, whole, without_secrets

KINDS = {
    "postgresql://db.example/log": "postgres",
    "postgres://db.example/log": "postgres",
    "PostgreSQL://db.example/log": "postgres",
    "mongodb://db.example/log": "mongodb",
    "mongodb+srv://db.example/log": "mongodb",
    "/mnt/drive": "folder",
    "drive": "folder",
    "~/drive": "folder",
    "C:\\drive": "folder",
}

REFUSED = {
    "postgres:/hidden": "no server name after “://”",
    "postgresql//me:hidden@db/log": "no server name after “://”",
    "MongoDB+SRV:hidden": "no server name after “://”",
    "https://db.example/log": "can't be kept at https://",
    "mysql://u:hidden@db.example/log": "can't be kept at mysql://",
    "host=db.example password=hidden": "a list of PostgreSQL settings",
    "me@db.example:drive": "an ssh address",
    " ": "The address is empty",
}

PARTED = {
    "postgresql://me:pass%40word@db:5432/log?sslmode=verify-full": (
        "postgresql://me@db:5432/log?sslmode=verify-full",
        "pass@word",
        False,
    ),
    "postgresql://me@db/log?password=pass+word&sslmode=require": (
        "postgresql://me@db/log?sslmode=require",
        "pass word",
        False,
    ),
    "postgresql://me@db/log?sslpassword=hidden": ("postgresql://me@db/log", None, True),
    "postgresql:///log": ("postgresql:///log", None, False),
    "postgresql://:hidden@db/log": ("postgresql://db/log", "hidden", False),
    "postgresql://me:@db/log": ("postgresql://me@db/log", None, False),
    "mongodb://me:hidden@a:1,b:2/log?replicaSet=rs": ("mongodb://me@a:1,b:2/log?replicaSet=rs", "hidden", False),
    "mongodb://me@a/?authMechanismProperties=AWS_SESSION_TOKEN:x": ("mongodb://me@a/", None, True),
    "folder:with@signs": ("folder:with@signs", None, False),
}

MESSAGES = (
    "connection to {} failed",
    "invalid dsn: {!r}",
    "host=db password='{1}' dbname=log",
    "host=db password={2}",
    "authentication failed with {1}!",
)


@pytest.mark.parametrize(("address", "kind"), KINDS.items())
def test_the_scheme_says_which_kind_it_is(address: str, kind: str) -> None:
    """An address with a scheme is that of a server, and anything else that of a folder."""
    assert kind_of(address) == kind


@pytest.mark.parametrize(("address", "why"), REFUSED.items())
def test_an_address_of_another_kind_is_refused_without_its_password(address: str, why: str) -> None:
    """The error says what is wrong and what to give, and doesn't quote the address."""
    with pytest.raises(RemoteFailed, match=why) as error:
        kind_of(address)
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(("address", "parts"), PARTED.items())
def test_an_address_is_parted_from_its_secrets(address: str, parts: tuple[str, str | None, bool]) -> None:
    """What is kept has no secret, and all options that are none."""
    assert parted(address) == parts


@pytest.mark.parametrize("password", ["a/b@c", "a?b@c", "a#b@c", "1/2@c", "a@b/c@d"])
def test_a_password_that_is_written_wrongly_is_not_taken_for_something_else(password: str) -> None:
    """An address in which a part of the password could be taken for the database's name is refused, unquoted."""
    with pytest.raises(RemoteFailed, match="%40") as error:
        parted(f"postgresql://me:{password}@db.example/log")
    assert password not in str(error.value)


def test_a_key_has_the_password_or_the_whole_address() -> None:
    """A key that is an address replaces the one in the log; any other is the user's password."""
    assert whole("postgresql://me@db/log?a=b", None) == "postgresql://me@db/log?a=b"
    assert whole("postgresql://me@db/log?a=b", "p@:/") == "postgresql://me:p%40%3A%2F@db/log?a=b"
    assert whole("postgresql://db/log", "pass") == "postgresql://:pass@db/log"
    assert whole("postgresql://me@db/log", "mongodb://you:x@other/log") == "mongodb://you:x@other/log"
    assert whole("/mnt/drive", "/mnt/other") == "/mnt/other"


@given(st.text(min_size=3).filter(lambda text: not any(0xD800 <= ord(c) < 0xE000 for c in text)))
def test_a_password_comes_back_as_it_was(password: str) -> None:
    """Any password survives being put into an address and taken out again."""
    address = whole("postgresql://me@db/log?sslmode=require", "x" + password)
    assert parted(address) == ("postgresql://me@db/log?sslmode=require", "x" + password, False)


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=6, max_size=20))
def test_no_message_shows_a_password(password: str) -> None:
    """Whatever form a driver quotes an address or a password in, the password is gone from its message."""
    address = f"postgresql://me:{quote(password, safe='')}@db.example/log?sslpassword=hidden-too"
    for message in MESSAGES:
        said = without_secrets(message.format(address, password, quote(password)), [address])
        assert "hidden-too" not in said
        for form in (password, quote(password), quote(password, safe=""), repr(password)[1:-1]):
            assert form not in said or form in message


def test_addresses_in_a_message_are_cleaned_even_if_nobody_knows_them() -> None:
    """A password in an address, or after the word password, is taken out of any text. The rest stays."""
    assert without_secrets("no mongodb://me:secret@a:1,b:2/x here") == "no mongodb://me:…@a:1,b:2/x here"
    assert without_secrets("dsn password=secret host=db") == "dsn password=… host=db"
    assert without_secrets("dsn password='se cret' host=db") == "dsn password=… host=db"
    assert without_secrets("password authentication failed for user “me”") == (
        "password authentication failed for user “me”"
    )

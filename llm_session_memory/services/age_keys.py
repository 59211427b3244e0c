"""The keys of age files: recipients, who can read what is encrypted, and identities, which read it.

A recipient is `age1…`, an SSH public key (ssh-ed25519 or ssh-rsa), or a file of these, one on a line. An identity is a
file of age (AGE-SECRET-KEY-1…) or an SSH private key. All come from a person, so every mistake gets a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import SessionError
from ..rules import age_format
from ..rules.safe_text import one_line
from ..store.file_at import at_home, is_there

_LARGEST_FILE = 1 << 20
"""The most bytes that are read of a file of keys."""

_PRIVATE = (b"AGE-SECRET-KEY-", b"-----BEGIN")


def check_installed() -> None:
    """Raise SessionError if what encryption needs is not installed."""
    try:
        import cryptography  # noqa: F401
        import pyrage  # noqa: F401
    except ImportError as error:
        message = f"Encryption needs {error.name or 'pyrage'}, which is not installed."
        raise SessionError(message, "Install it with: llm install 'llm-session-memory[encrypt]'") from error


def recipients(given: Sequence[str]) -> tuple[Any, ...]:
    """Return pyrage's recipients for what a person gave with -r. Raises SessionError."""
    check_installed()
    return tuple(one for text in given for one in _recipients(text.strip()))


def _recipients(text: str) -> Iterator[Any]:
    if _looks_like_key(text):
        yield _recipient(text, "the key that you gave with -r")
        return
    path = at_home(text)
    data = _content(path, "A recipient is age1…, an SSH public key, or a file of them.")
    if data.lstrip().startswith(_PRIVATE):
        hint = "Give the public key: the file's name with .pub for SSH, or what age-keygen -y prints."
        raise SessionError(f"{path} is a private key, and -r needs a public one.", hint)
    found = 0
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        key = line.strip()
        if key and not key.startswith("#"):
            found += 1
            yield _recipient(key, f"Line {number:,} of {path}")
    if not found:
        raise SessionError(f"There is no key in {path}.", "Write one age1… or SSH public key on each line.")


def _looks_like_key(text: str) -> bool:
    return text.startswith(("ssh-", "age1", "ecdsa-", "sk-", "AGE-")) and not is_there(text)


def _recipient(key: str, place: str) -> Any:
    import pyrage

    place = place[0].upper() + place[1:]
    if key.upper().startswith("AGE-SECRET-KEY-"):
        hint = "Give its public key, which age-keygen -y prints, and keep the secret one to yourself."
        raise SessionError(f"{place} is a secret key, and -r needs a public one.", hint)
    kind = pyrage.ssh if key.startswith(("ssh-", "ecdsa-", "sk-")) else pyrage.x25519
    for prefix, module in (("age1tag1", "tag"), ("age1tagpq1", "tagpq")):
        if key.startswith(prefix) and hasattr(pyrage, module):
            kind = getattr(pyrage, module)
    try:
        return kind.Recipient.from_str(key)
    except Exception as error:
        what = f"{place} can't be used: “{one_line(key, 40)}”."
        raise SessionError(what, "Use an age1… key from age-keygen, or an SSH key (ssh-ed25519 or ssh-rsa).") from error


def identities(paths: Sequence[Path], unlocked: Callable[[bytes, str], bytes]) -> tuple[Any, ...]:
    """Return pyrage's identities in files that a person gave with -i. Raises SessionError.

    `unlocked` decrypts the content of a file of keys that is itself encrypted; it also gets the file's name.
    """
    check_installed()
    return tuple(one for path in paths for one in _identities(at_home(path), unlocked))


def _identities(path: Path, unlocked: Callable[[bytes, str], bytes]) -> Iterator[Any]:
    data = _content(path, "Give the file with your secret key.")
    if age_format.is_age(data):
        data = unlocked(data, str(path))
    if data.lstrip().startswith(b"-----BEGIN"):
        yield _ssh_identity(data, path)
        return
    found = 0
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        key = line.strip()
        if key and not key.startswith("#"):
            found += 1
            yield _age_identity(key, f"Line {number:,} of {path}")
    if not found:
        raise SessionError(f"There is no key in {path}.", "Give the file that age-keygen made, or an SSH private key.")


def _ssh_identity(data: bytes, path: Path) -> Any:
    import pyrage

    try:
        return pyrage.ssh.Identity.from_buffer(data)
    except Exception as error:
        if "decrypted first" in str(error):
            hint = f"Decrypt the file with: age -d -i {path} FILE, and give what that prints."
            raise SessionError(f"The SSH key {path} has a passphrase, which is not supported.", hint) from error
        hint = "Give an OpenSSH private key (ed25519 or rsa), or a file from age-keygen."
        raise SessionError(f"The key in {path} can't be used.", hint) from error


def _age_identity(key: str, place: str) -> Any:
    import pyrage

    # The text of a secret is never repeated.
    if key.startswith(("age1", "ssh-")):
        raise SessionError(f"{place} is a public key, and -i needs the secret one.", "Give the file that has it.")
    try:
        return pyrage.x25519.Identity.from_str(key)
    except Exception as error:
        hint = "Give a file from age-keygen (AGE-SECRET-KEY-1…), or an SSH private key."
        raise SessionError(f"{place} is not a usable key.", hint) from error


def _content(path: Path, hint: str) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SessionError(f"{path} can't be read: {reason}.", hint) from error
    if len(data) > _LARGEST_FILE:
        raise SessionError(f"{path} is too large to be a key file.", hint)
    return data

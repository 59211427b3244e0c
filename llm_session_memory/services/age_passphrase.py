"""Age files with a passphrase, in streams: pyrage encrypts those only if they fit in memory.

Only the framing is here; the primitives are those of `cryptography`. The format is specified at
https://age-encryption.org/v1: a key of the file, locked with scrypt, encrypts the file in chunks of 64 KiB, each with
ChaCha20-Poly1305, a counter, and a mark on the last one. So a file that is cut off is noticed.
"""

from __future__ import annotations

import hmac
import io
import secrets
from typing import IO, Any

from ..rules import age_format
from ..rules.age_format import AgeHeader, NotAge, Stanza

CHUNK = 64 * 1024
"""The bytes of one chunk, before it is encrypted."""

WORK = 18
"""The logarithm of scrypt's cost, as in age itself: about a second, and 256 MB of memory."""

_MOST_WORK = 22
"""The highest cost that is accepted in a file, as in age itself."""

_TAG = 16
_KEY = 16
_SALT = 16
_NONCE = 16
_LABEL = b"age-encryption.org/v1/scrypt"
_KIND = "scrypt"


class WrongPassphrase(Exception):
    """The passphrase does not open the file."""


def needs_passphrase(header: AgeHeader) -> bool:
    """Return whether a file is locked with a passphrase."""
    return any(one.kind == _KIND for one in header.stanzas)


class AgeWriter(io.RawIOBase):
    """A stream that encrypts what is written to it. `finish` writes the last chunk; without it, the file is cut off."""

    def __init__(self, stream: IO[bytes], passphrase: str, work: int) -> None:
        file_key, salt, nonce = (secrets.token_bytes(length) for length in (_KEY, _SALT, _NONCE))
        body = _cipher(_stretched(passphrase, salt, work)).encrypt(bytes(12), file_key, None)
        stanza = Stanza(_KIND, (age_format.encoded(salt), str(work)), body)
        self._stream = stream
        self._cipher = _cipher(age_format.hkdf(file_key, nonce, b"payload"))
        self._pending = bytearray()
        self._count = 0
        stream.write(age_format.written([stanza], age_format.hkdf(file_key, b"", b"header")) + nonce)

    def writable(self) -> bool:
        """Return that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Encrypt some bytes, and write all chunks that are full and not the last."""
        self._pending += data
        whole = (len(self._pending) - 1) // CHUNK * CHUNK if self._pending else 0
        for start in range(0, whole, CHUNK):
            self._write(bytes(self._pending[start : start + CHUNK]), last=False)
        del self._pending[:whole]
        return memoryview(data).nbytes

    def finish(self) -> None:
        """Write the last chunk."""
        self._write(bytes(self._pending), last=True)
        self._pending.clear()

    def _write(self, chunk: bytes, *, last: bool) -> None:
        self._stream.write(self._cipher.encrypt(_nonce(self._count, last=last), chunk, None))
        self._count += 1


class AgeReader(io.RawIOBase):
    """A stream of what is in an encrypted file. `stream` is after the header. Raises NotAge if the file is damaged."""

    def __init__(self, stream: IO[bytes], header: AgeHeader, passphrase: str) -> None:
        file_key = _file_key(header, passphrase)
        nonce = _read(stream, _NONCE)
        self._stream = stream
        self._cipher = _cipher(age_format.hkdf(file_key, nonce, b"payload"))
        self._next = _read(stream, CHUNK + _TAG)
        if not self._next:
            raise NotAge("it is cut off")
        self._count = 0
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Give decrypted bytes; none at the end."""
        if not self._chunk and self._next:
            self._chunk = memoryview(self._decrypted())
        view = memoryview(buffer).cast("B")
        size = min(len(view), len(self._chunk))
        view[:size] = self._chunk[:size]
        self._chunk = self._chunk[size:]
        return size

    def _decrypted(self) -> bytes:
        from cryptography.exceptions import InvalidTag

        chunk, self._next = self._next, _read(self._stream, CHUNK + _TAG)
        nonce = _nonce(self._count, last=not self._next)
        self._count += 1
        try:
            plain: bytes = self._cipher.decrypt(nonce, chunk, None)
        except InvalidTag as error:
            raise NotAge("it is damaged or cut off") from error
        if not plain and self._count > 1:
            raise NotAge("it is damaged or cut off")
        return plain


def _file_key(header: AgeHeader, passphrase: str) -> bytes:
    from cryptography.exceptions import InvalidTag

    try:
        (stanza,) = header.stanzas
        salt, work = stanza.arguments
        cost = int(work)
    except ValueError as error:
        raise NotAge("its header is damaged") from error
    if not 1 <= cost <= _MOST_WORK or len(stanza.body) != _KEY + _TAG:
        raise NotAge(f"its header asks for work of 2^{cost}, and at most 2^{_MOST_WORK} is accepted")
    try:
        key = _stretched(passphrase, age_format.decoded(salt), cost)
        file_key: bytes = _cipher(key).decrypt(bytes(12), stanza.body, None)
    except InvalidTag as error:
        raise WrongPassphrase from error
    except MemoryError as error:  # 4 GB for the highest cost
        raise NotAge(f"its header asks for work of 2^{cost}, which needs more memory than there is") from error
    mac = age_format.mac_of(header.signed, age_format.hkdf(file_key, b"", b"header"))
    if not hmac.compare_digest(mac, header.mac):
        raise NotAge("its header is damaged")
    return file_key


def _stretched(passphrase: str, salt: bytes, work: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(_LABEL + salt, 32, 2**work, 8, 1).derive(passphrase.encode("utf-8", "surrogateescape"))


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(key)


def _nonce(count: int, *, last: bool) -> bytes:
    return count.to_bytes(11, "big") + bytes([last])


def _read(stream: IO[bytes], size: int) -> bytes:
    """Return this many bytes, or fewer at the end. Pipes may give less at a time."""
    pieces: list[bytes] = []
    while size:
        piece = stream.read(size)
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)

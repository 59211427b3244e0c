"""Files in the age format: what is written can be read again, also by others, and damage is noticed."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_session_memory.errors import SessionError
from llm_session_memory.rules import age_format
from llm_session_memory.services import age_passphrase
from llm_session_memory.services.encryption import Locking, Unlocking, decrypted, encrypted, is_age, locking, opened
from tests.world.laws import PROFILE, tried

pyrage = pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")

AGE = which("age")
needs_age = pytest.mark.skipif(AGE is None, reason="The age tool is not installed (Debian package age).")

CHEAP = 2
"""The work of scrypt in tests; the real one takes a second each time."""

EDGES = (0, 1, age_passphrase.CHUNK - 1, age_passphrase.CHUNK, age_passphrase.CHUNK + 1, 2 * age_passphrase.CHUNK)
"""Lengths around the ends of chunks."""


OF_PYRAGE = b"""-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCB2OXhNQUJnNkNNMXp4aWV2
M0RaTWtBIDE2ClFXSTRSMklsZnV6aFNFOEFxbjc0Q0hnTm9pN2NGaHZ5djJ1N0tS
S2VER2cKLS0tIHBsRCtqMWpwcjB2UjZYclpDLzZ5ZkRIWm9McUtlSENpUVIrcGhY
VStpczAKiUN3ziKhyfDJM0OqbqzawQgObuvRMMdTR0as3EXPmkzdAW3xK/Hp0ARk
SuFLbzlCKrg=
-----END AGE ENCRYPTED FILE-----
"""
"""A sentence that pyrage encrypted with a passphrase, on a slow machine: it works for a second."""


class Keys:
    """A key of each kind in files, made by pyrage and OpenSSH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        identity = pyrage.x25519.Identity.generate()
        self.public = str(identity.to_public())
        self.file = folder / "key.txt"
        self.file.write_text(f"# created: 2026-11-28\n# public key: {self.public}\n{identity}\n")

    def ssh(self, kind: str, passphrase: str = "") -> Path:
        """Return the file of a new SSH key."""
        path = self.folder / f"id_{kind}"
        size = ["-b", "2048"] if kind == "rsa" else []  # a larger one takes seconds
        command = ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-f", str(path), "-C", "", "-m", "RFC4716"]
        subprocess.run(command, check=True)
        return path


@pytest.fixture(name="keys")
def _keys(tmp_path: Path) -> Keys:
    """Keys of somebody."""
    return Keys(tmp_path)


def says(passphrase: str) -> Unlocking:
    """Return how somebody who knows this passphrase reads."""
    return Unlocking(passphrase=lambda _: passphrase)


def knows(passphrase: str) -> Locking:
    return Locking(passphrase=passphrase, work=CHEAP)


def locked(data: bytes, lock: Locking) -> bytes:
    """Return some bytes, encrypted."""
    out = io.BytesIO()
    with encrypted(out, lock) as stream:
        stream.write(data)
    return out.getvalue()


def unlocked(data: bytes, unlock: Unlocking) -> bytes:
    """Return what is in an encrypted file."""
    with decrypted(io.BytesIO(data), unlock, "work.age") as stream:
        return stream.read()


@pytest.mark.parametrize("size", EDGES)
def test_what_is_encrypted_is_read_again(keys: Keys, size: int) -> None:
    """Files of any length come back, with a passphrase and with a key, and pyrage reads and writes the same."""
    data = bytes(index % 251 for index in range(size))
    by_passphrase = locked(data, knows("tall ships"))
    assert unlocked(by_passphrase, says("tall ships")) == data == pyrage.passphrase.decrypt(by_passphrase, "tall ships")
    by_key = locked(data, locking([keys.public]))
    assert unlocked(by_key, Unlocking((keys.file,))) == data
    assert is_age(by_key[:128])
    assert is_age(by_passphrase[:128])
    assert data not in by_key or size < 2


@given(pieces=st.lists(st.binary(max_size=90_000), max_size=4), sizes=st.lists(st.integers(1, 70_000), max_size=4))
@tried(60, few=6)
def test_the_pieces_do_not_matter(pieces: list[bytes], sizes: list[int]) -> None:
    """However it is cut into writes and reads, the same comes back."""
    out = io.BytesIO()
    with encrypted(out, knows("p")) as stream:
        for piece in pieces:
            stream.write(piece)
    with decrypted(io.BytesIO(out.getvalue()), says("p"), "a") as back:
        found = b"".join([*map(back.read, sizes), back.read()])
    assert found == b"".join(pieces)


@pytest.mark.slow
def test_what_pyrage_writes_is_read(keys: Keys) -> None:
    """Files of another program are read, armored ones too, at the usual work of scrypt."""
    assert unlocked(OF_PYRAGE, says("pass")) == b"We build a bridge."
    if PROFILE == "ci":  # it takes seconds, the more the faster the machine is
        by_passphrase = pyrage.passphrase.encrypt(b"x" * 70_000, "pass", armored=True)
        assert unlocked(by_passphrase, says("pass")) == b"x" * 70_000
    for armored in (False, True):
        by_key = pyrage.encrypt(b"y" * 70_000, [pyrage.x25519.Recipient.from_str(keys.public)], armored=armored)
        assert unlocked(by_key, Unlocking((keys.file,))) == b"y" * 70_000
        assert is_age(by_key[:128])


@needs_age
def test_the_age_tool_reads_what_is_written(keys: Keys) -> None:
    """`age -d` opens a file for a key, and our files open what `age -a` wrote."""
    command = [str(AGE), "-d", "-i", str(keys.file)]
    made = subprocess.run(command, input=locked(b"hello", locking([keys.public])), capture_output=True, check=True)
    assert made.stdout == b"hello"
    command = [str(AGE), "-a", "-r", keys.public]
    theirs = subprocess.run(command, input=b"hello " * 20_000, capture_output=True, check=True).stdout
    assert unlocked(theirs, Unlocking((keys.file,))) == b"hello " * 20_000


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_ssh_keys_work(keys: Keys, kind: str) -> None:
    """SSH keys of the kinds that age knows encrypt and decrypt; the public one may be named by its file."""
    path = keys.ssh(kind)
    public = path.with_suffix(".pub")
    for recipient in (str(public), public.read_text("utf-8").strip()):
        assert unlocked(locked(b"hello", locking([recipient])), Unlocking((path,))) == b"hello"


@pytest.mark.parametrize("key", ["ssh-rsa " + "A" * 300, "age1" + "q" * 300], ids=["ssh", "age"])
def test_a_key_may_be_longer_than_the_name_of_a_file(key: str) -> None:
    """A key is no file, however long it is. Those of RSA are as long, if no / comes early in them."""
    with pytest.raises(SessionError, match=r"^The key that you gave with -r can't be used: “"):
        locking([key])


def test_several_people_can_read(keys: Keys, tmp_path: Path) -> None:
    """A file of recipients has one key on each line, and each of them opens the file."""
    path = keys.ssh("ed25519")
    people = tmp_path / "people.txt"
    people.write_text(f"# harbour\n{keys.public}\n\n{path.with_suffix('.pub').read_text('utf-8')}")
    made = locked(b"hello", locking([str(people)]))
    assert [unlocked(made, Unlocking((one,))) for one in (keys.file, path)] == [b"hello", b"hello"]


def test_a_file_of_keys_may_be_encrypted(keys: Keys, tmp_path: Path) -> None:
    """If the file with the key has a passphrase itself, that is asked for."""
    secret = tmp_path / "secret.age"
    secret.write_bytes(locked(keys.file.read_bytes(), knows("tall")))
    asked: list[str] = []
    unlock = Unlocking((secret,), lambda what: asked.append(what) or "tall")  # type: ignore[func-returns-value]
    assert unlocked(locked(b"hello", locking([keys.public])), unlock) == b"hello"
    assert asked == [str(secret)]


@pytest.mark.parametrize("size", [5, age_passphrase.CHUNK, 3 * age_passphrase.CHUNK + 7])
def test_damage_is_noticed(keys: Keys, size: int) -> None:
    """A file that is cut off anywhere, longer than it was, or changed in one byte is never read to its end."""
    for lock, unlock in ((knows("p"), says("p")), (locking([keys.public]), Unlocking((keys.file,)))):
        data = locked(bytes(size), lock)
        body = age_format.header_length(data)
        cuts = {0, 10, body - 1, body, body + 8, body + 16, len(data) - 1, len(data) - 16}
        cuts |= {cut for n in (1, 2) if (cut := body + 16 + n * (age_passphrase.CHUNK + 16)) < len(data)}
        wrong = [data[:cut] for cut in cuts] + [data + b"x"]
        for place in (30, body - 3, body + 3, body + 20, len(data) - 1):
            wrong.append(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        for one in wrong:
            with pytest.raises(SessionError, match="work.age|passphrase"):
                unlocked(one, unlock)


def test_what_is_broken_off_is_not_whole(keys: Keys) -> None:
    """If writing fails, what was written so far is not a whole file."""
    for lock, unlock in ((knows("p"), says("p")), (locking([keys.public]), Unlocking((keys.file,)))):
        out = io.BytesIO()
        with pytest.raises(KeyboardInterrupt):
            _broken_off(out, lock)
        with pytest.raises(SessionError):
            unlocked(out.getvalue(), unlock)


def _broken_off(out: io.BytesIO, lock: Locking) -> None:
    with encrypted(out, lock) as stream:
        stream.write(bytes(200_000))
        raise KeyboardInterrupt


def test_a_full_disk_is_the_error_of_the_disk(keys: Keys) -> None:
    """An error of the stream below is raised as it is."""

    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    for lock in (knows("p"), locking([keys.public])):
        with pytest.raises(OSError, match="No space left"), encrypted(Full(), lock) as stream:  # type: ignore[arg-type]
            stream.write(bytes(3_000_000))


def test_a_reader_may_stop_early(keys: Keys) -> None:
    """Whoever has seen enough closes the stream."""
    data = locked(bytes(5_000_000), locking([keys.public]))
    with decrypted(io.BytesIO(data), Unlocking((keys.file,)), "a") as stream:
        assert stream.read(3) == bytes(3)


MISTAKES: dict[str, tuple[Callable[[Keys], object], str]] = {
    "wrong passphrase": (lambda _: unlocked(locked(b"a", knows("p")), says("q")), "The passphrase does not open work"),
    "no passphrase": (lambda _: unlocked(locked(b"a", knows("p")), Unlocking()), "is encrypted with a passphrase"),
    "empty": (lambda _: locking([], lambda: ""), "The passphrase is empty"),
    "no key": (lambda keys: unlocked(locked(b"a", locking([keys.public])), says("p")), "for the holder of a key"),
    "other key": (
        lambda keys: unlocked(locked(b"a", locking([keys.public])), Unlocking((keys.ssh("ed25519"),))),
        "for other keys than yours",
    ),
    "ssh passphrase": (
        lambda keys: unlocked(locked(b"a", locking([keys.public])), Unlocking((keys.ssh("ed25519", "secret"),))),
        "has a passphrase, which is not supported",
    ),
    "ecdsa": (lambda keys: locking([str(keys.ssh("ecdsa")) + ".pub"]), "Line 1 of .* can't be used"),
    "private as public": (lambda keys: locking([str(keys.ssh("ed25519"))]), "is a private key, and -r needs a public"),
    "secret as public": (lambda keys: locking([keys.file.read_text().split()[-1]]), "is a secret key"),
    "public as secret": (
        lambda keys: unlocked(
            locked(b"a", locking([keys.public])), Unlocking((keys.ssh("ed25519").with_suffix(".pub"),))
        ),
        "is a public key, and -i needs the secret",
    ),
    "no such file": (lambda keys: locking([str(keys.folder / "none")]), "can't be read: No such file"),
    "half a key": (lambda keys: locking([keys.public[:-1]]), "can't be used: “age1"),
    "later version": (lambda _: unlocked(b"age-encryption.org/v2\n-> x\n", says("p")), "not of version 1"),
    "too much work": (
        lambda _: unlocked(locked(b"a", knows("p")).replace(b" 2\n", b" 40\n", 1), says("p")),
        "asks for work of 2.40",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_told(keys: Keys, name: str) -> None:
    """Every mistake has a sentence, with what to do next."""
    do, sentence = MISTAKES[name]
    with pytest.raises(SessionError, match=sentence) as raised:
        do(keys)
    assert raised.value.hint


def test_secrets_are_not_repeated(keys: Keys) -> None:
    """No error, and no value that could be printed, has a passphrase or a secret key in it."""
    secret = keys.file.read_text().split()[-1]
    with pytest.raises(SessionError) as raised:
        locking([secret])
    assert secret[20:40] not in str(raised.value)
    keys.file.write_text(secret[:-1])
    with pytest.raises(SessionError) as raised:
        unlocked(locked(b"a", locking([keys.public])), Unlocking((keys.file,)))
    assert secret[20:40] not in str(raised.value)
    assert "tall ships" not in repr(knows("tall ships"))


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the extra, a sentence says how to install it; files that are not encrypted are read all the same."""
    data = locked(b"hello", knows("p"))
    monkeypatch.setitem(sys.modules, "pyrage", None)
    for do in (lambda: locking(["age1"]), lambda: unlocked(data, says("p"))):
        with pytest.raises(SessionError, match="needs pyrage.*llm install 'llm-session-memory.encrypt.'"):
            do()
    (tmp_path / "plain").write_bytes(b"hello")
    with opened(tmp_path / "plain", Unlocking()) as stream:
        assert stream.read() == b"hello"


def test_a_plain_file_is_opened_as_it_is(keys: Keys, tmp_path: Path) -> None:
    """Files that are not encrypted need nothing."""
    path = tmp_path / "plain"
    path.write_bytes(b"hello")
    with opened(path, Unlocking()) as stream:
        assert stream.read() == b"hello"
    path.write_bytes(locked(b"hello", locking([keys.public])))
    with opened(path, Unlocking((keys.file,))) as stream:
        assert stream.read() == b"hello"


def test_armor_may_be_one_long_line(keys: Keys) -> None:
    """Lines of any length are read, a piece at a time."""
    armored = pyrage.encrypt(b"y" * 200_000, [pyrage.x25519.Recipient.from_str(keys.public)], armored=True)
    first, *lines, last = armored.strip().splitlines()
    assert unlocked(b"\n".join([first, b"".join(lines), last, b""]), Unlocking((keys.file,))) == b"y" * 200_000


def test_work_that_needs_more_memory_than_there_is_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may ask for 4 GB."""
    data = locked(b"x", knows("pass"))

    def exhausted(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(age_passphrase, "_stretched", exhausted)
    with pytest.raises(SessionError, match="more memory than there is"):
        unlocked(data, says("pass"))

"""Exports that are encrypted, and imports that notice it: with a passphrase, with keys, in files and in pipes."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which

import pytest

from llm_session_memory.errors import SessionError
from llm_session_memory.interchange import import_session
from llm_session_memory.memory import Memory
from llm_session_memory.services import age_passphrase
from llm_session_memory.services.encryption import Unlocking
from tests.conftest import Command
from tests.world.once import once
from tests.world.scripted import Script

pyrage = pytest.importorskip("pyrage", reason="The extra encrypt is not installed.")

AGE = which("age")


CLOSED = "2000000000"
"""A file descriptor that no process can have open."""


@pytest.fixture(name="terminal", autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody is at the terminal. Passphrases cost little."""
    monkeypatch.setattr(age_passphrase, "WORK", 2)
    monkeypatch.setattr("llm_session_memory.commands.encryption_options._has_terminal", lambda: True)


@pytest.fixture(name="work", autouse=True)
@once
def _work(llm_: Command, script: Script, log: Path) -> Path:
    """A log with two sessions."""
    llm_("-m", "scripted", "--session", "work", "We build a bridge.").ok()
    llm_("-m", "scripted", "--session", "play", "We play chess.").ok()
    return log


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> tuple[str, str]:
    """A public key, and the file of the secret one."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(f"{identity}\n")
    return str(identity.to_public()), str(tmp_path / "key.txt")


@pytest.fixture(name="saying")
def _saying() -> Iterator[Callable[[str], str]]:
    """Return a file descriptor that a passphrase can be read from, as the shell's `3< FILE` makes it."""
    ends: list[int] = []

    def said(text: str) -> str:
        reading, writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        ends.append(reading)
        return str(reading)

    yield said
    for end in ends:
        os.close(end)


def test_with_a_passphrase(llm_: Command, tmp_path: Path) -> None:
    """A passphrase is asked for twice to encrypt and once to decrypt; the file is its owner's, and shows no text."""
    file = tmp_path / "work.jsonl.age"
    done = llm_("sessions", "export", "work", str(file), "--encrypt", input="tall ships\ntall ships\n").ok()
    assert done.out.endswith(f"Wrote 1 exchange to {file}.\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"bridge" not in file.read_bytes()
    assert b"bridge" in pyrage.passphrase.decrypt(file.read_bytes(), "tall ships")
    done = llm_("sessions", "import", str(file), "--as", "again", input="tall ships\n").ok()
    assert done.out == "Imported 1 exchange into session “again”.\n"
    assert "Passphrase of work.jsonl.age" in done.err
    assert "We build a bridge." in llm_("sessions", "show", "again").ok().out


def test_two_different_passphrases_are_asked_for_again(llm_: Command, tmp_path: Path) -> None:
    """Whoever mistypes the second time is asked until both are the same."""
    file = tmp_path / "work.age"
    llm_("sessions", "export", "work", str(file), "--encrypt", input="one\ntwo\none\none\n").ok()
    assert b"bridge" in pyrage.passphrase.decrypt(file.read_bytes(), "one")


def test_with_a_key(llm_: Command, tmp_path: Path, key: tuple[str, str]) -> None:
    """-r is enough to encrypt, and -i to decrypt; in a dry run, too, which writes nothing."""
    public, secret = key
    file = tmp_path / "work.md.age"
    llm_("sessions", "export", "work", str(file), "-r", public).ok()
    assert pyrage.decrypt(file.read_bytes(), [pyrage.x25519.Identity.from_str(Path(secret).read_text().strip())]) != b""
    file = tmp_path / "work.jsonl.age"
    llm_("sessions", "export", "work", str(file), "--encrypt", "-r", public).ok()
    assert (
        llm_("sessions", "import", str(file), "--as", "again", "-i", secret, "--dry-run").ok().out.startswith("Would")
    )
    with pytest.raises(SessionError, match="encrypted for the holder"), Memory() as memory:
        import_session(memory, file, "again")
    with Memory() as memory:
        assert import_session(memory, file, "again", unlock=Unlocking((Path(secret),))).name == "again"


@pytest.mark.skipif(AGE is None, reason="The age tool is not installed (Debian package age).")
def test_the_ending_before_age_says_the_format(llm_: Command, tmp_path: Path, key: tuple[str, str]) -> None:
    """`work.md.age` is Markdown when the age tool has opened it."""
    file = tmp_path / "work.md.age"
    llm_("sessions", "export", "work", str(file), "-r", key[0]).ok()
    shown = subprocess.run([str(AGE), "-d", "-i", key[1], file], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("# work\n")


def test_a_folder_of_files(llm_: Command, tmp_path: Path, key: tuple[str, str]) -> None:
    """Several sessions become several encrypted files; a dry run names them, and asks for nothing."""
    folder = tmp_path / "out"
    dry = llm_("sessions", "export", "work", "play", "--to", str(folder), "--encrypt", "--dry-run").ok()
    llm_("sessions", "export", "work", "play", "--to", str(folder), "-r", key[0]).ok()
    assert sorted(one.name for one in folder.iterdir()) == ["play.jsonl.age", "work.jsonl.age"]
    assert [line.split(":")[0] for line in dry.out.splitlines()] == [
        str(folder / f"{n}.jsonl.age") for n in ("work", "play")
    ]
    llm_("sessions", "export", "work", "play", "--to", str(tmp_path / "all.csv.age"), "-r", key[0]).ok()
    assert (tmp_path / "all.csv.age").is_file()


def test_a_passphrase_from_a_file_descriptor(llm_: Command, tmp_path: Path, saying: Callable[[str], str]) -> None:
    """Scripts give the passphrase on a file descriptor of their own, to the end of the line."""
    file = tmp_path / "work.age"
    llm_("sessions", "export", "work", str(file), "--encrypt", "--passphrase-fd", saying("tall\nmore")).ok()
    llm_("sessions", "import", str(file), "--as", "again", "--passphrase-fd", saying("tall")).ok()
    wrong = llm_("sessions", "import", str(file), "--as", "third", "--passphrase-fd", saying("short\n"))
    assert wrong.err == "Error: The passphrase does not open work.age. Try again. Nothing was changed.\n"
    closed = llm_("sessions", "import", str(file), "--as", "third", "--passphrase-fd", CLOSED)
    assert closed.err.startswith(
        f"Error: The passphrase can't be read from file descriptor {CLOSED}: Bad file descriptor."
    )
    twice = llm_("sessions", "import", "-", "--passphrase-fd", "0", input="tall\n")
    assert "Standard input is the file, so give the passphrase on another file descriptor." in twice.err
    both = llm_("sessions", "export", "work", str(file), "-r", "age1", "--passphrase-fd", "3")
    assert "not both" in both.err


def test_in_a_pipe(llm_: Command, llm_process: Command, tmp_path: Path, key: tuple[str, str]) -> None:
    """What comes through a pipe is looked at and decrypted like a file."""
    file = tmp_path / "work.age"
    llm_("sessions", "export", "work", str(file), "-r", key[0]).ok()
    piped = file.read_bytes().decode("utf-8", "surrogateescape")
    done = llm_process("sessions", "import", "-", "-i", key[1], "--as", "again", input=piped).ok()
    assert done.out == "Imported 1 exchange into session “again”.\n"


def test_standard_output(llm_: Command, tmp_path: Path, key: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Encrypted output goes to standard output as bytes, several sessions in one file, but not to a terminal."""
    done = llm_("sessions", "export", "work", "play", "--to", "-", "-r", key[0]).ok()
    assert done.out.startswith("age-encryption.org/v1\n")
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    shown = llm_("sessions", "export", "work", "-r", key[0])
    assert shown.err.startswith("Error: Encrypted output can't be shown on a terminal.")


def test_plain_text_gets_no_name_of_an_encrypted_file(llm_: Command, tmp_path: Path) -> None:
    """A file that is called work.jsonl.age is encrypted, or not written: its owner would trust it."""
    for words in (("export", "work", "work.jsonl.age"), ("export", "work", "--to", "all.csv.AGE"), ("backup", "b.age")):
        refused = llm_("sessions", *words[:-1], str(tmp_path / words[-1]))
        assert refused.code == 2
        assert "is the name of an encrypted file. Encrypt it with --encrypt or -r KEY" in " ".join(refused.err.split())
    assert not [*tmp_path.glob("*.[aA]*")]


def test_without_a_terminal(llm_: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody can be asked, a sentence says what to give instead, and nothing is written."""
    monkeypatch.setattr("llm_session_memory.commands.encryption_options._has_terminal", lambda: False)
    done = llm_("sessions", "export", "work", str(tmp_path / "out" / "work.age"), "--encrypt")
    assert done.err.startswith(
        "Error: There is no terminal on which to ask for the passphrase. Give it with --passphrase-fd"
    )
    (tmp_path / "there.age").touch()
    there = llm_("sessions", "export", "work", str(tmp_path / "there.age"), "--encrypt")
    assert "there.age already exists." in there.err
    typo = llm_("sessions", "export", "wrok", str(tmp_path / "work.age"), "--encrypt")
    assert typo.err.startswith("Error: Session “wrok” not found.")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("cut", [20, 300, -1])
def test_a_damaged_file_is_not_imported(llm_: Command, tmp_path: Path, key: tuple[str, str], cut: int) -> None:
    """Half a file imports nothing, though its first lines could be read."""
    file = tmp_path / "work.age"
    llm_("sessions", "export", "work", str(file), "-r", key[0]).ok()
    file.write_bytes(file.read_bytes()[:cut])
    done = llm_("sessions", "import", str(file), "--as", "again", "-i", key[1])
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert "Traceback" not in done.err
    assert "again" not in llm_("sessions", "list").ok().out


def test_a_full_disk_leaves_no_file(llm_: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file can't be written to its end, none is there."""

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(age_passphrase.AgeWriter, "finish", full)
    (tmp_path / "out").mkdir()
    done = llm_("sessions", "export", "work", str(tmp_path / "out" / "w.age"), "--encrypt", input="a\na\n")
    assert "can't be written: No space left on device. Free some space" in done.err
    assert [*(tmp_path / "out").iterdir()] == []

"""A folder as a remote: nothing is half written, what was deleted is gone, and no file of others leads astray."""

from __future__ import annotations

import json
import os
import shutil
import stat
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from llm_session_memory.errors import RemoteFailed
from llm_session_memory.model.remotes import Digest, Document
from llm_session_memory.remotes.folder import FolderRemote, cleaning, committing, locking
from llm_session_memory.remotes.folder.disk import Disk
from llm_session_memory.remotes.folder.parts import Parts
from tests.remotes.documents import content, said, thread, tombstone, turn


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A folder that is prepared."""
    folder = tmp_path / "remote"
    with closing(FolderRemote(folder)) as remote:
        remote.prepare()
    return folder


def put(folder: Path, *documents: Document, cache: Path | None = None) -> None:
    """Put documents in a transaction of their own."""
    with closing(FolderRemote(folder, cache)) as remote, remote.writing() as writing:
        writing.put(documents)


def everything(folder: Path, cache: Path | None = None) -> list[str]:
    """Return all that a folder answers."""
    with closing(FolderRemote(folder, cache)) as remote:
        threads = [each.thread_id for each in remote.listed()]
        stamps = [*remote.stamps(threads)]
        found = [remote.documents(kind, [stamp.key for stamp in stamps]) for kind in ("turn", "thread")]
        found += [remote.documents("message", "abcdef"), remote.tombstones(["t-00"])]
        documents = sorted(said(document) for those in found for document in those)
        return [*documents, *map(repr, sorted(remote.digests(["m-1", "m-2026-11"]))), repr(remote.buckets())]


def texts(folder: Path) -> str:
    """Return the contents of all files in a folder."""
    return "".join(path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


class _PulledOutError(BaseException):
    """The process was killed, or the drive was pulled out."""


class _Pulled(Disk):
    """A drive that is pulled out before its nth change. After that, nothing more can be changed."""

    def __init__(self, folder: Path, changes: int) -> None:
        super().__init__(folder)
        self.left = changes

    def _change(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise _PulledOutError

    def create(self, name: str) -> IO[bytes]:
        self._change()
        return super().create(name)

    def rename(self, old: str, new: str) -> None:
        self._change()
        super().rename(old, new)

    def remove(self, name: str) -> None:
        self._change()
        super().remove(name)


def test_a_kill_at_any_point_leaves_the_last_whole_state(folder: Path, tmp_path: Path) -> None:
    """Wherever a write is broken off, all of it counts or nothing, and the next write works and cleans up."""
    put(folder, content("a"), turn("t1", refs=("message a",)), thread("t"), tombstone("x"))
    before = everything(folder)
    outcomes = set()
    for changes in range(100):
        place, cache = tmp_path / f"try-{changes}", tmp_path / f"index-{changes}"
        shutil.copytree(folder, place)
        remote = FolderRemote(place, cache)
        remote._disk = _Pulled(place, changes)
        done = False
        with suppress(_PulledOutError), remote.writing() as writing:
            _change(writing)
            done = True
        remote.close()
        (place / "lock").unlink(missing_ok=True)
        outcomes.add(tuple(everything(place, cache)))
        assert everything(place) == everything(place, cache)
        put(place, turn("t9"), cache=cache)
        assert not [path for path in place.rglob("*") if path.name == "lock" or "secret" in path.name]
        if done and remote._disk.left >= 0:
            break
    assert len(outcomes) == 2
    assert tuple(before) in outcomes
    assert "removed text" not in texts(place)


def _change(writing: object) -> None:
    writing.put([content("b"), turn("t2", refs=("message b",)), thread("t", "play")])  # type: ignore[attr-defined]
    writing.remove("turn", ["t1"])  # type: ignore[attr-defined]
    writing.remove("message", ["a"])  # type: ignore[attr-defined]
    writing.set_digests({("m-1", "t"): Digest(1, 1)})  # type: ignore[attr-defined]


def test_what_was_deleted_is_in_no_file(folder: Path, tmp_path: Path) -> None:
    """A text that was removed or replaced is gone from the folder and the index when the write ends."""
    cache = tmp_path / "cache" / "index"
    put(folder, content("a", text="secret one"), content("b", text="stays"), thread("t", "secret two"), cache=cache)
    assert "secret one" in texts(folder)
    with closing(FolderRemote(folder, cache)) as remote, remote.writing() as writing:
        writing.remove("message", ["a"])
        writing.put([thread("t", "public")])
    assert "secret" not in texts(folder)
    assert "stays" in texts(folder)
    everything(folder, cache)
    assert b"secret" not in b"".join(path.read_bytes() for path in cache.parent.iterdir())
    with closing(FolderRemote(folder)) as remote, remote.writing() as writing:
        writing.put([content("d", text="secret three")])
        writing.remove("message", ["d"])
    assert "secret" not in texts(folder)


def test_a_line_can_be_read_by_a_person(folder: Path) -> None:
    """A part is lines of JSON with texts as they are, bytes as base64, and names that don't come from ids."""
    odd = Document("attachment", "../é", {"attachments": [{"id": "../é", "content": b"\xff", "path": "日本"}]})
    put(folder, odd)
    (part,) = (folder / "parts").rglob("*.jsonl")
    whole = json.loads(part.read_text("utf-8"))
    assert whole["rows"] == {"attachments": [{"id": "../é", "content": {"base64": "/w=="}, "path": "日本"}]}
    assert part.name.startswith("content-")


@pytest.fixture(name="apart")
def _apart(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of a folder, as a program that synchronises it makes them, that were both written to since."""
    put(folder, content("a", text="outdated"), content("b"), turn("t1", refs=("message a",)), thread("t"))
    with closing(FolderRemote(folder)) as remote, remote.writing() as writing:
        writing.set_digests({("m-2026-11", "t"): Digest(1, 1), ("s-00", "t"): Digest(1, 1)})
    second = tmp_path / "second"
    shutil.copytree(folder, second)
    with closing(FolderRemote(folder)) as remote, remote.writing() as writing:
        writing.remove("turn", ["t1"])
        writing.remove("message", ["a"])
        writing.put([turn("t2", stamp=4), thread("t", "here")])
        writing.set_digests({("m-2026-11", "t"): Digest(1, 4)})
    with closing(FolderRemote(second)) as remote, remote.writing() as writing:
        writing.put([turn("t3", stamp=2), thread("u", "there"), thread("t", "there")])
        writing.remove("message", ["b"])
        writing.set_digests({("m-2026-11", "t"): Digest(2, 3)})
    return folder, second


def synchronise(one: Path, other: Path, merged: Path) -> Path:
    """Return a folder with the files of two copies, without those that either has removed."""
    base = {path.relative_to(one) for path in one.rglob("*") if path.is_file()}
    theirs = {path.relative_to(other) for path in other.rglob("*") if path.is_file()}
    dropped = {name for name in base ^ theirs if name.suffix == ".jsonl" and _is_old(one, other, name)}
    shutil.copytree(one, merged)
    shutil.copytree(other, merged, dirs_exist_ok=True)
    for name in dropped:
        (merged / name).unlink()
    return merged


def _is_old(one: Path, other: Path, name: Path) -> bool:
    records = [json.loads(path.read_text()) for place in (one, other) for path in (place / "commits").iterdir()]
    return any(f"{name.parent.name}/{name.name}" in record["drops"] for record in records)


def test_two_that_write_without_a_lock_destroy_nothing(apart: tuple[Path, Path], tmp_path: Path) -> None:
    """Both writes count, in whatever order their files come; the digests are those of the documents."""
    here, there = apart
    merged = synchronise(here, there, tmp_path / "merged")
    cache = tmp_path / "index"
    seen = shutil.copytree(here, tmp_path / "seen")
    everything(seen, cache)  # an index that has seen only one of them
    shutil.rmtree(seen)
    merged.rename(seen)
    with closing(FolderRemote(seen)) as remote:
        assert sorted(stamp.key for stamp in remote.stamps(["t", "u"])) == ["t", "t2", "t3", "u"]
        assert [*remote.digests(["m-2026-11"])] == [("m-2026-11", "t", Digest(2, 6))]
        assert remote.buckets()["m-2026-11"] == Digest(2, 6)
        assert [*remote.documents("message", ["a", "b"])] == []
    assert everything(seen, cache) == everything(seen)


def test_the_next_write_joins_what_was_apart(apart: tuple[Path, Path], tmp_path: Path) -> None:
    """After the next write the digests are right as they are stored, and nothing that was replaced is in any file."""
    merged = synchronise(*apart, tmp_path / "merged")
    before = everything(merged)
    with closing(FolderRemote(merged)) as remote:
        with remote.writing():
            pass
        assert remote._fresh().forked is False
        assert remote.buckets()["m-2026-11"] == Digest(2, 6)
    assert everything(merged) == before
    assert "outdated" not in texts(merged)
    lines = [json.loads(line) for path in (merged / "parts").rglob("*.jsonl") for line in path.open("rb")]
    keys = [(line["kind"], line["key"]) for line in lines if "kind" in line]
    assert len(keys) == len(set(keys))


def test_a_turn_whose_content_was_removed_elsewhere_is_sent_again(folder: Path, tmp_path: Path) -> None:
    """If one machine removes content while another sends what refers to it, that counts only once it is whole."""
    put(folder, content("a"))
    second = tmp_path / "second"
    shutil.copytree(folder, second)
    put(second, turn("t1", refs=("message a",)))
    with closing(FolderRemote(folder)) as remote, remote.writing() as writing:
        writing.remove("message", ["a"])
    merged = synchronise(folder, second, tmp_path / "merged")
    with closing(FolderRemote(merged)) as remote:
        assert [*remote.stamps(["t"])] == []
        put(merged, content("a"), turn("t1", refs=("message a",)))
        assert [stamp.key for stamp in remote.stamps(["t"])] == ["t1"]


def test_a_part_that_is_not_there_yet_is_told(folder: Path) -> None:
    """A record that came before its part is no state: the sentence says that the folder is not complete."""
    put(folder, content("a"))
    (part,) = (folder / "parts").rglob("*.jsonl")
    whole = part.read_bytes()
    for less in (None, whole[:-5]):
        part.unlink() if less is None else part.write_bytes(less)
        with pytest.raises(RemoteFailed, match="synchronises"):
            everything(folder)
    part.write_bytes(whole)
    assert "message" in everything(folder)[0]


def test_files_of_others_are_left_alone(folder: Path) -> None:
    """Conflicted copies, files of systems and unknown parts are ignored; parts without a record go after a week."""
    put(folder, content("a"))
    before = everything(folder)
    (record,) = (folder / "commits").iterdir()
    (part,) = (folder / "parts").rglob("*.jsonl")
    shutil.copy(record, record.with_name(f"{record.stem} (conflicted copy).json"))
    shutil.copy(part, part.with_name(f"{part.stem}.sync-conflict-1.jsonl"))
    (folder / ".DS_Store").write_bytes(b"\0")
    unknown = part.with_name(f"content-{'0' * 20}-0000.jsonl")
    unknown.write_text("not ours\n")
    assert everything(folder) == before
    put(folder, content("b"))
    assert unknown.exists()
    os.utime(unknown, (0, 0))
    put(folder, content("c"))
    assert not unknown.exists()
    assert len([*folder.rglob("*conflict*")]) == 2


WHOLE = '{"at": [1, "x"], "kind": %s, "key": "k", "thread": "", "place": 0, "bucket": "", "stamp": %s, "machine": "", '
WHOLE += '"person": "", "refs": [], "rows": {"turns": [{"id": %s}]}}'

SHAPES = {
    "text": "not json",
    "list": "[]",
    "deep": "[" * 200_000,
    "bare": '{"kind": "turn"}',
    "digest": '{"at": [1, "x"], "digest": [1, 1e400], "bucket": "m", "thread": "t"}',
    "kind": WHOLE % ('"poem"', 0, 0),
    "base64": WHOLE % ('"turn"', 0, '{"base64": "?"}'),
    "number": WHOLE % ('"turn"', "9" * 5000, 0),
    "bool": WHOLE % ('"turn"', 0, "true"),
}


@pytest.mark.parametrize("contents", SHAPES.values(), ids=SHAPES.keys())
def test_a_part_of_another_shape_is_told(folder: Path, contents: str) -> None:
    """A line that is no document is an error with the name of the file, whatever it is."""
    put(folder, content("a"))
    (part,) = (folder / "parts").rglob("*.jsonl")
    part.write_text(contents + "\n")
    with pytest.raises(RemoteFailed, match=part.name):
        everything(folder)


def test_no_record_leads_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    """Names that leave the folder, links, and records of another shape are refused; a newer version says so."""
    put(folder, content("a"))
    (record,) = (folder / "commits").iterdir()
    whole = json.loads(record.read_text())
    part = folder / "parts" / whole["adds"][0]["part"]
    outside = tmp_path / "outside"
    shutil.copy(part, outside)
    changes = [
        {"adds": [{**whole["adds"][0], "part": "../../outside"}]},
        {"drops": {"../outside": "2026-11-29"}},
        {"after": [7]},
        {"number": 10**400},
        {"token": "other"},
        {"version": "1"},
    ]
    for change in changes:
        record.write_text(json.dumps(whole | change))
        with pytest.raises(RemoteFailed, match=record.name):
            everything(folder)
    record.write_text(json.dumps(whole | {"version": 2}))
    with pytest.raises(RemoteFailed, match="newer version"):
        everything(folder)
    record.write_text(json.dumps(whole))
    part.unlink()
    part.symlink_to(outside)
    with pytest.raises(RemoteFailed, match="link"):
        everything(folder)
    assert outside.exists()


def test_a_month_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    """Nothing is read or removed behind a link to another folder."""
    put(folder, content("a"))
    (month,) = (folder / "parts").iterdir()
    month.rename(tmp_path / "elsewhere")
    month.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RemoteFailed, match="link"):
        everything(folder)


@pytest.mark.parametrize("broken", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
def test_an_index_that_does_not_fit_is_made_again(folder: Path, tmp_path: Path, broken: bytes) -> None:
    """An index that is damaged, of another folder, or of a state that the folder no longer has, is thrown away."""
    cache = tmp_path / "index"
    cache.write_bytes(broken)
    put(folder, content("a"), cache=cache)
    with closing(FolderRemote(tmp_path / "other")) as other:
        other.prepare()
    put(tmp_path / "other", content("b"), thread("t"), cache=cache)
    assert everything(folder, cache) == everything(folder)
    earlier = shutil.copytree(folder, tmp_path / "earlier")
    put(folder, content("c"), thread("t"), cache=cache)
    shutil.rmtree(folder)
    earlier.rename(folder)
    put(folder, content("d"))
    assert everything(folder, cache) == everything(folder)


def test_records_and_small_parts_are_joined(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many writes leave few files, and an index that missed some of them follows."""
    monkeypatch.setattr(committing, "MOST_RECORDS", 5)
    monkeypatch.setattr(Parts, "MANY", 4)
    cache, old = tmp_path / "index", tmp_path / "old"
    for number in range(24):
        put(folder, turn(f"t{number:02}"), thread("t", f"name {number}"), cache=cache)
        if number in (3, 12):
            everything(folder, old)
        if number % 5 == 0:
            with closing(FolderRemote(folder, cache)) as remote, remote.writing() as writing:
                writing.remove("turn", [f"t{number:02}"])
    assert everything(folder, cache) == everything(folder) == everything(folder, old)
    assert len(everything(folder)) == 24 - 5 + 1 + 1
    assert len([*(folder / "commits").iterdir()]) <= 6
    assert len([*(folder / "parts").rglob("*.jsonl")]) < 10


def test_a_lock_whose_process_ended_is_taken_over(folder: Path) -> None:
    """A process that was killed on this machine does not keep others waiting, and its temporary files go."""
    remote = FolderRemote(folder)
    lock = locking.Lock(remote._disk, 0)
    assert lock._created()
    holder = json.loads((folder / "lock").read_text())
    (folder / "lock").write_text(json.dumps(holder | {"pid": 2**22 + 1}))
    left = folder / f".tmp-{holder['token']}-time"
    left.write_text("half")
    with remote.writing() as writing:
        writing.put([content("a")])
    remote.close()
    assert not left.exists()
    assert not (folder / "lock").exists()


def test_a_lock_of_another_machine_is_respected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is touched keeps others out, with a sentence that says who holds it; an old one is taken over."""
    lock = folder / "lock"
    lock.write_text(json.dumps({"host": "lap\x1btop", "pid": 7, "token": "x", "since": "2026-11-29"}))
    with closing(FolderRemote(folder, patience=0)) as remote:
        with pytest.raises(RemoteFailed, match="process 7 on lap␛top, since 2026-11-29"), remote.writing():
            pass
        assert lock.exists()
        os.utime(lock, (0, 0))
        with remote.writing() as writing:
            writing.put([content("a")])
        lock.write_bytes(b"")  # killed before it said who it is
        os.utime(lock, (0, 0))
        with remote.writing() as writing:
            writing.put([content("b")])
    assert not lock.exists()


def test_a_write_that_lost_its_lock_does_not_count(folder: Path) -> None:
    """A machine that slept while another took the lock over writes nothing, and leaves the other's lock."""
    before = everything(folder)
    with closing(FolderRemote(folder)) as remote:

        def slept() -> None:
            with remote.writing() as writing:
                writing.put([content("a"), thread("t")])
                (folder / "lock").write_text(json.dumps({"token": "another"}))

        with pytest.raises(RemoteFailed, match="asleep"):
            slept()
    assert (folder / "lock").exists()
    assert everything(folder) == before
    assert not [*(folder / "parts").rglob("*.jsonl")]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_that_we_make_is_private(folder: Path, tmp_path: Path) -> None:
    """Files are only the user's in a folder that we made, and everybody's as usual in one that was there."""
    put(folder, content("a"))
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [folder, *folder.rglob("*")]} == {0}
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    with closing(FolderRemote(shared)) as remote:
        remote.prepare()
    put(shared, content("a"))
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o044 for path in shared.rglob("*") if path.is_file()}
    assert modes == {0o644 & ~_umask() & 0o044}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_a_folder_that_is_not_a_remote_is_told(tmp_path: Path) -> None:
    """A missing drive, a folder with other files, and one that is only partly there are not written to."""
    with closing(FolderRemote(tmp_path / "drive" / "folder")) as remote:
        for asked in (remote.prepare, remote.condition, remote.buckets):
            with pytest.raises(RemoteFailed, match="drive"):
                asked()
    used = tmp_path / "used"
    used.mkdir()
    (used / "letter.txt").write_text("Dear")
    with closing(FolderRemote(used)) as remote, pytest.raises(RemoteFailed, match="other files"):
        remote.prepare()
    mine = tmp_path / "home"  # a home folder of which nothing but hidden files is there
    (mine / ".ssh").mkdir(parents=True)
    with closing(FolderRemote(mine)) as remote, pytest.raises(RemoteFailed, match="other files"):
        remote.prepare()
    with closing(FolderRemote(used / "letter.txt")) as remote, pytest.raises(RemoteFailed, match="is not a folder"):
        remote.condition()
    half = tmp_path / "half"
    (half / "commits").mkdir(parents=True)
    with closing(FolderRemote(half)) as remote, pytest.raises(RemoteFailed, match="not all of it"):
        remote.prepare()
    with closing(FolderRemote(tmp_path / "new")) as remote:
        assert (remote.condition().version, remote.condition().writable) == (0, True)
        remote.prepare()
        assert remote.condition().version == 1
        (tmp_path / "new" / "llm-sessions.json").write_text(
            '{"format": "llm-session-memory folder", "version": 9, "id": ""}'
        )
        with pytest.raises(RemoteFailed, match="newer"):
            remote.condition()


def test_a_drive_or_a_synchronised_folder_is_empty_with_its_own_files(tmp_path: Path) -> None:
    """What systems and synchronising programs put there themselves is nobody's."""
    for name in ("lost+found", ".stfolder", ".DS_Store", ".Trash-1000", ".dropbox.cache", "System Volume Information"):
        (tmp_path / name).mkdir()
    (tmp_path / ".stignore").write_text("")
    with closing(FolderRemote(tmp_path)) as remote:
        remote.prepare()
        assert remote.condition().version == 1


def test_cleaning_keeps_what_counts(folder: Path) -> None:
    """Parts that count stay, however old they are."""
    put(folder, content("a"), replace(thread("t"), machine="n"))
    before = everything(folder)
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    put(folder)
    assert cleaning.WEEK > 0
    assert everything(folder) == before

"""What identifies a folder as a remote: one small file, which is made once and never changed."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from contextlib import suppress
from typing import NamedTuple

from ...errors import RemoteFailed
from ..shapes import WrongShapeError, integer, mapping, text
from .disk import RECORDS, TEMPORARY, Disk
from .records import VERSION

NAME = "llm-sessions.json"
FORMAT = "llm-session-memory folder"
_LARGEST = 10_000
_OF_DRIVES = re.compile(
    r"lost\+found|System Volume Information|\$RECYCLE\.BIN|README\.txt|desktop\.ini|Thumbs\.db"
    r"|\.(DS_Store|TemporaryItems|Trashes|Trash-.*|Spotlight-V100|fseventsd|VolumeIcon\.icns|directory|_.*)"
    r"|\.(st.*|dropbox.*|sync.*|owncloud.*|nextcloud.*|csync.*|tmp-.*|nfs.*|fuse_hidden.*|snapshot)",
    re.DOTALL,
)
"""Files in an empty drive or synchronised folder. Other hidden files are somebody's, as in a home folder."""


class FolderFormat(NamedTuple):
    """The version of a folder, and its id, by which an index knows it."""

    version: int
    id: str


def read_format(disk: Disk) -> FolderFormat | None:
    """Return what a folder is, or None if it isn't a remote yet. Raises RemoteFailed if it is of a newer version."""
    try:
        contents = disk.read(NAME, _LARGEST)
    except FileNotFoundError:
        return None
    try:
        whole = mapping(json.loads(contents))
        if text(whole.get("format")) != FORMAT:
            raise WrongShapeError("it is not that of a folder of conversations")
        found = FolderFormat(integer(whole.get("version")), text(whole.get("id")))
    except (ValueError, RecursionError) as error:
        raise disk.damaged(NAME, str(error)) from error
    if found.version > VERSION:
        raise disk.newer(NAME)
    return found


def prepare(disk: Disk) -> None:
    """Make the folder, for this user alone, and the file in it, unless they exist."""
    with disk.sentences(), suppress(FileExistsError):
        disk.folder.mkdir(mode=0o700)
    if read_format(disk) is not None:
        return
    strange = [name for name in disk.names() if _OF_DRIVES.fullmatch(name) is None]
    if strange and read_format(disk) is None:
        raise _not_empty(disk, strange)
    whole = {"format": FORMAT, "version": VERSION, "id": secrets.token_hex(10), "made": time.strftime("%Y-%m-%d")}
    temporary = f"{TEMPORARY}{secrets.token_hex(10)}-{NAME}"
    disk.write(temporary, json.dumps(whole, indent=1).encode() + b"\n")
    try:
        os.link(disk.folder / temporary, disk.folder / NAME)  # unlike a rename, it never replaces another's
    except FileExistsError:
        pass
    except OSError:  # a drive without links
        if read_format(disk) is None:
            disk.rename(temporary, NAME)
    finally:
        disk.remove(temporary)


def _not_empty(disk: Disk, names: list[str]) -> RemoteFailed:
    if RECORDS in names:
        hint = (
            "If another program synchronises it, wait until it is done. Otherwise restore its file llm-sessions.json."
        )
        return RemoteFailed(f"The folder {disk.where} has conversations, but not all of it is there.", hint)
    message = f"The folder {disk.where} has other files, so no conversations can be kept in it."
    return RemoteFailed(message, f"Give a folder of its own, such as {disk.where}/llm-sessions.")

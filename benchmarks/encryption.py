"""How fast files are encrypted and decrypted, and in how much memory, beside SHA-256 of the same bytes.

    python -m benchmarks.encryption [MEGABYTES]

Each measurement has a process of its own. Times are processor time. The work of scrypt is left out of the speeds.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from llm_session_memory.services.encryption import Locking, Unlocking, encrypted, locking, opened

from .machine import description, table

_BLOCK = 1 << 20

WAYS = ("SHA-256", "key", "passphrase")


def measure(way: str, megabytes: int, folder: str) -> tuple[float, float, int]:
    """Return the seconds to write and to read, and how many megabytes the process has grown."""
    block, file = os.urandom(_BLOCK), Path(folder, "file.age")
    if way == "SHA-256":
        began = time.process_time()
        made = hashlib.sha256()
        for _ in range(megabytes):
            made.update(block)
        seconds = time.process_time() - began
        return seconds, seconds, 0
    lock, unlock = _keys(way, Path(folder))
    with encrypted(io.BytesIO(), lock) as stream:
        stream.write(block)  # what is imported late does not count
    before, began = _memory(), time.process_time()
    with file.open("wb") as below, encrypted(below, lock) as stream:
        for _ in range(megabytes):
            stream.write(block)
    written, began = time.process_time() - began, time.process_time()
    with opened(file, unlock) as back:
        while back.read(_BLOCK):
            pass
    return written, time.process_time() - began, _memory() - before


def _keys(way: str, folder: Path) -> tuple[Locking, Unlocking]:
    import pyrage

    if way == "passphrase":
        return Locking(passphrase="tall ships", work=1), Unlocking(passphrase=lambda _: "tall ships")
    identity = pyrage.x25519.Identity.generate()
    key = folder / "key.txt"
    key.write_text(str(identity), "utf-8")
    return locking([str(identity.to_public())]), Unlocking((key,))


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Print a table."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for way in WAYS:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                found = pool.apply(measure, (way, megabytes, folder))
            rows.append((way, *(f"{megabytes / seconds:,.0f}" for seconds in found[:2]), f"{found[2]:,}"))
    print(f"{megabytes:,} MB; {description()}\n")
    print(table(("way", "MB/s in", "MB/s out", "MB of memory"), rows))


if __name__ == "__main__":
    main()

"""How long it takes, and how much memory, to import an export of ChatGPT with many conversations.

    python -m benchmarks.arrivals [CONVERSATIONS] [EXCHANGES IN EACH]

The export is invented. Each tenth conversation has a branch. Afterwards the same export is imported again.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from llm_session_memory.interchange.foreign.arriving import into
from llm_session_memory.interchange.foreign.registry import recognised
from llm_session_memory.interchange.foreign.source import SourceFile
from llm_session_memory.memory import Memory

from .machine import description, table

_WORDS = "the bridge over tide pier deck harbour steel of wind Lisbon span cable and load river toll".split()
_BEGUN = 1_700_000_000


def export(path: Path, conversations: int, exchanges: int) -> None:
    """Write an export of this many conversations."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("conversations.json", "w") as file:
        for number in range(conversations):
            file.write(b"[" if number == 0 else b",")
            file.write(json.dumps(_conversation(number, exchanges)).encode())
        file.write(b"]")


def _conversation(number: int, exchanges: int) -> dict[str, Any]:
    made = random.Random(number)
    mapping: dict[str, Any] = {f"{number}": {"id": f"{number}", "message": None, "parent": None, "children": []}}
    last = f"{number}"
    for id_, parent, role in _messages(number, exchanges):
        text = " ".join(made.choices(_WORDS, k=30 if role == "user" else 150))
        at = _BEGUN + number * 9_000 + len(mapping) * 60
        message = {"id": id_, "author": {"role": role}, "create_time": at, "recipient": "all"}
        content = {"content_type": "text", "parts": [text]}
        mapping[id_] = {"id": id_, "message": {**message, "content": content}, "parent": parent, "children": []}
        mapping[parent]["children"].append(id_)
        last = id_
    title, at = f"{made.choice(_WORDS)} {made.choice(_WORDS)}", _BEGUN + number * 9_000
    more = {"title": title, "create_time": at, "current_node": last, "conversation_id": f"c{number}"}
    return {**more, "mapping": mapping}


def _messages(number: int, exchanges: int) -> Iterator[tuple[str, str, str]]:
    """Yield the id, the parent and the role of each message; each tenth conversation has a second last exchange."""
    last = f"{number}"
    for place in range(exchanges):
        yield f"{number}u{place}", last, "user"
        yield f"{number}a{place}", f"{number}u{place}", "assistant"
        last = f"{number}a{place}"
    if number % 10 == 0 and exchanges > 1:
        yield f"{number}u", f"{number}a{exchanges - 2}", "user"
        yield f"{number}a", f"{number}u", "assistant"


def main() -> None:
    """Measure, and print a table."""
    conversations, exchanges = (int(one) for one in (*sys.argv[1:], "10000", "8")[:2])
    with tempfile.TemporaryDirectory() as folder:
        file, log = Path(folder) / "export.zip", Path(folder) / "logs.db"
        export(file, conversations, exchanges)
        with Memory(log, create=True):
            pass
        rows = []
        for what in ("first import", "the same again"):
            source = SourceFile(file)
            format_ = recognised(source)
            assert format_ is not None
            begun, used = time.perf_counter(), time.process_time()
            found = into(log, source, format_)
            took, spent = time.perf_counter() - begun, time.process_time() - used
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            rows.append(
                (what, f"{len(found.arrived):,}", f"{found.exchanges:,}", f"{took:.1f}", f"{spent:.1f}", f"{most:.0f}")
            )
        print(description())
        print(table(("", "sessions", "exchanges", "seconds", "of processor time", "MB at most"), rows))


if __name__ == "__main__":
    main()

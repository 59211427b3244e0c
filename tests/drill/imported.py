"""Files that are no session, and recovery files that are none: refused in a sentence, and nothing is changed."""

from __future__ import annotations

import json
import shutil

from tests.drill.fault import fault
from tests.drill.world import World

GOOD = '{"prompt": "We build a bridge.", "response": "Noted."}\n'
HEADER = '{"format": "llm-session", "version": 1, "name": "x"}\n'

IMPORTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n \n",
    "prose": b"Dear diary,\n",
    "escapes": b"\x1b[31mred\n",
    "binary": bytes(range(256)) * 40,
    "list": b'[{"prompt": "x"}]\n',
    "pretty-printed": b'{\n  "prompt": "x"\n}\n',
    "cut off": (GOOD + '{"prompt": "y", "resp').encode(),
    "two headers": (HEADER + GOOD + HEADER + GOOD).encode(),
    "only a header": HEADER.encode(),
    "newer version": b'{"format": "llm-session", "version": 99, "name": "x"}\n' + GOOD.encode(),
    "other format": b'{"format": "something", "version": 1}\n' + GOOD.encode(),
    "unknown key": b'{"prompt": "Q", "completion": "A"}\n',
    "no prompt": b'{"response": "A"}\n',
    "null prompt": b'{"prompt": null, "response": "A"}\n',
    "number prompt": b'{"prompt": 7, "response": []}\n',
    "same key twice": b'{"prompt": "x", "prompt": "y"}\n',
    "nested": b'{"prompt": ' + b"[" * 200_000 + b"\n",
    "digits": b'{"prompt": ' + b"1" * 5_000 + b"}\n",
    "infinity": b'{"prompt": "x", "response": "y", "options": {"a": 1e999}}\n',
    "nan": b'{"prompt": "x", "response": NaN}\n',
    "half a character": b'{"prompt": "x\\ud800", "response": "y"}\n',
    "nul": b'{"prompt": "x\\u0000y", "response": "z"}\n',
    "latin-1": 'x {"prompt": "café"}\n'.encode("latin-1"),
    "latin-1 json": '{"prompt": "café", "response": "y"}\n'.encode("latin-1"),
    "utf-16": (GOOD * 3).encode("utf-16"),
    "utf-32": (GOOD * 3).encode("utf-32"),
    "utf-8 with a mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "old newlines": GOOD.replace("\n", "\r").encode() * 2,
    "windows newlines": GOOD.replace("\n", "\r\n").encode() * 2,
    "line separators": GOOD.replace("bridge", "bri\u2028dge").encode(),
    "gzip": b"\x1f\x8b\x08\x00" + b"\x00" * 100,
    "sqlite": b"SQLite format 3\x00" + b"\x00" * 4096,
    "html": b"<!doctype html><title>x</title>",
    "csv": b"prompt,response\na,b\n",
    "python": b"{'prompt': 'x', 'response': 'y'}\n",
    "turns of nothing": (HEADER + '{"turns": []}\n').encode(),
    "turns of null": (HEADER + '{"turns": [null]}\n').encode(),
    "a turn without input": (HEADER + '{"turns": [{}]}\n').encode(),
}

RECOVERIES: dict[str, bytes] = {
    "empty": b"",
    "braces": b"{}",
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "cut off": b'{"session": "work", "prompt": "x", "rep',
    "binary": bytes(range(256)),
    "utf-16": '{"session": "work"}'.encode("utf-16"),
    "nested": b"[" * 100_000,
    "digits": b'{"prompt": ' + b"1" * 5_000 + b"}",
    "wrong kinds": json.dumps(
        {"session": 7, "thread_id": [], "prompt": None, "reply": {}, "responses": 7, "attempt": "x"}
    ).encode(),
    "no attempt": json.dumps(
        {"session": "work", "thread_id": "x", "prompt": "x", "reply": "y", "responses": [], "attempt": None}
    ).encode(),
    "strange responses": json.dumps(
        {"session": "work", "thread_id": "x", "prompt": "x", "reply": "y", "responses": [None, 7, {}], "attempt": {}}
    ).encode(),
    "html": b"<!doctype html>",
    "export": (HEADER + GOOD).encode(),
}


@fault("broken imports", f"{len(IMPORTS)} files: cut off, another encoding, another kind, nested, …", times=1)
def imports(world: World) -> None:
    for name, content in IMPORTS.items():
        _import(world, name, content)
    for path in (world.folder, world.log, world.folder / "missing.jsonl"):
        before = world.log.read_bytes()
        done = world.llm("sessions", "import", str(path))
        world.expect(done.code != 0 and world.log.read_bytes() == before, f"imports {path.name}")


def _import(world: World, name: str, content: bytes) -> None:
    """Import a file: all of it, or nothing, and then the log has not changed."""
    file = world.folder / f"{name}.jsonl"
    file.write_bytes(content)
    before = world.log.read_bytes()
    done = world.llm("sessions", "import", str(file), "--as", f"from {name}")
    world.expect(not done.code or world.log.read_bytes() == before, f"half an import is left: {name}")
    if not done.code:
        shown = world.llm("sessions", "show", f"from {name}", "--json")
        world.expect(shown.code == 0, f"what was imported can't be shown: {name}: {shown.err.strip()}")


@fault(
    "broken recovery files", f"{len(RECOVERIES)} files: cut off, another kind, wrong types, nested, …; none is removed"
)
def recoveries(world: World) -> None:
    for name, content in RECOVERIES.items():
        file = world.folder / f"{name}.json"
        file.write_bytes(content)
        before = world.log.read_bytes()
        done = world.llm("sessions", "recover", str(file))
        world.expect(done.code != 0, f"recovers a file that is none: {name}")
        world.expect(file.exists() and world.log.read_bytes() == before, f"something changed: {name}")
    for path in (world.folder, world.log, world.folder / "missing.json"):
        world.expect(world.llm("sessions", "recover", str(path)).code != 0, f"recovers {path.name}")


@fault(
    "odd places for exports",
    "a folder, a missing folder, a name of 300 characters, a full device, no space",
    needs=("full device",),
)
def exports(world: World) -> None:
    places = (
        str(world.folder),
        str(world.folder / "no" / "such.jsonl"),
        "a" * 300 + ".jsonl",
        "/dev/full",
        "",
        "x\ny.jsonl",
    )
    for place in places:
        for command in (("export", "work", place), ("replay", "work", "--to", place)):
            world.llm("sessions", *command)
    kept_out = world.folder / "mine.txt"
    kept_out.write_text("mine", "utf-8")
    for command in (("export", "work", str(kept_out)), ("replay", "work", "--to", str(kept_out))):
        done = world.llm("sessions", *command)
        world.expect(done.code != 0 and kept_out.read_text("utf-8") == "mine", f"{command[0]} overwrites a file")


@fault("the same file recovered twice", "a recovery file that was put back, and one of a session that was renamed")
def twice(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(0)
    with world.locked():
        asked.running.end()
    files = world.recovery_files()
    for file in files:
        again = file.with_name("again.json")
        shutil.copyfile(file, world.folder / "again.json")
        world.llm("sessions", "rename", "work", "play")
        done = world.llm("sessions", "recover", str(file))
        world.expect(done.code == 0, f"recover fails: {done.err.strip()}")
        shutil.copyfile(world.folder / "again.json", again)
        world.llm("sessions", "recover", str(again))
        again.unlink(missing_ok=True)
        world.llm("sessions", "rename", "play", "work")

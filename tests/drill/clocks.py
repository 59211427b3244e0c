"""Clocks that jump: an hour back, a day ahead, between prompts and within one."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.drill import answers
from tests.drill.answers import WORDS
from tests.drill.fault import fault
from tests.drill.world import Asked, World

_STEADY = {"DONT_FAKE_MONOTONIC": "1"}
"""Waits go on as they should: only the time of day jumps."""


def _at(world: World, offset: str, *options: str, session: str = "clock") -> Asked:
    """Prompt while the clock is off by an offset, to the end."""
    model = () if any(asked for asked in world.asked) else ("-m", "llama3")
    env: Mapping[str, str | None] = dict(_STEADY)
    asked = world.ask(*model, *options, session=session, before=("faketime", "-f", offset), env=env)
    asked.running.end()
    asked.at_least = answers.SHORT
    return asked


def _in_order(world: World, asked: Sequence[Asked], session: str = "clock") -> None:
    """Expect that a session is shown, numbered and sent in the order of its prompts."""
    tags = [one.tag for one in asked]
    shown = world.llm("sessions", "show", session, "--json")
    found = [re.findall(r"Question (q\d+x)", one["prompt"])[-1] for one in json.loads(shown.out)["exchanges"]]
    world.expect(found == tags, f"shown as {found}, not as {tags}")
    sent = [
        re.findall(r"Question (q\d+x)", str(message["content"]))
        for message in world.server.chats[-1].messages
        if message["role"] == "user"
    ]
    flat = [tag for one in sent for tag in one[-1:]]
    world.expect(flat == tags, f"sent as {flat}, not as {tags}")


@fault("clock goes back an hour", "faketime, between prompts", times=2, needs=("faketime",))
def back(world: World) -> None:
    offsets = ("+0", "-1h", "-59m", "-58m") if world.number else ("+1h", "+0", "+1m", "+2m")
    _in_order(world, [_at(world, offset) for offset in offsets])


@fault("clock goes ahead a day, and back", "faketime, between prompts", times=2, needs=("faketime",))
def ahead(world: World) -> None:
    _in_order(world, [_at(world, offset) for offset in ("+0", "+1d", "+1m", "-1d", "+2m")])


@fault(
    "clock jumps, two terminals", "faketime; one terminal an hour behind, prompts in turn", times=1, needs=("faketime",)
)
def two(world: World) -> None:
    _in_order(world, [_at(world, offset) for offset in ("+0", "-1h", "+1m", "-59m", "+2m", "-58m")])


@fault("clock before 1970, and after 2100", "faketime, between prompts", times=1, needs=("faketime",))
def far(world: World) -> None:
    _in_order(world, [_at(world, offset) for offset in ("+0", "+80y", "+1m", "-20y", "+2m")])


@fault(
    "clock goes back, pins and ratings",
    "faketime; #1 is pinned and rated before the clock goes back",
    needs=("faketime",),
)
def numbers(world: World) -> None:
    asked = [_at(world, "+0"), _at(world, "+1m")]
    world.llm("sessions", "pin", "clock", "1")
    world.llm("sessions", "bookmark", "clock", "2", "second")
    asked += [_at(world, "-1h"), _at(world, "-59m")]
    _in_order(world, asked)
    data = json.loads(world.llm("sessions", "show", "clock", "--json").out)
    pinned = [one["number"] for one in data["exchanges"] if one.get("pinned")]
    world.expect(pinned in ([1], []) and "second" in json.dumps(data["exchanges"][1]), f"pins moved: {pinned}")


@fault(
    "clock goes back in a reply",
    "faketime, an hour back or ahead at the fifth word; then kill -9",
    times=4,
    needs=("faketime",),
)
def within(world: World) -> None:
    stamp = world.folder / "stamp"
    stamp.write_text("+0\n", "utf-8")
    env = {
        **_STEADY,
        "LD_PRELOAD": _library(),
        "FAKETIME_TIMESTAMP_FILE": str(stamp),
        "FAKETIME_NO_CACHE": "1",
    }
    asked = world.ask("-m", "minute", env=env)
    asked.running.until_word(5)
    stamp.write_text(("-1h\n", "+1h\n")[world.number % 2], "utf-8")
    asked.running.until_word(WORDS + 20)
    time.sleep(world.random.uniform(0, 0.5))
    asked.running.signal("SIGKILL" if world.number < 2 else "SIGINT")


def _library() -> str:
    """Return the path of libfaketime."""
    folders = [Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"), *Path("/usr/lib").glob("*-linux-*")]
    found = [folder / "faketime" / "libfaketime.so.1" for folder in folders]
    return next((str(path) for path in found if path.exists()), os.devnull)

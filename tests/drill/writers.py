"""Several processes that write to one log at once."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from tests.drill import answers
from tests.drill.answers import SHORT, WORDS, question
from tests.drill.fault import fault
from tests.drill.world import LLM, Done, World


def _series(world: World, tags: Sequence[str], session: str) -> list[Done]:
    """Prompt once for each mark, one after another."""
    return [world.llm("--session", session, "-m", "llama3", question(tag)) for tag in tags]


def _together(world: World, writers: int, prompts: int, session: str = "work") -> None:
    """Let several processes at a time prompt in one session, and expect every exchange in a turn, numbered once."""
    tags = [[world.tag() for _ in range(prompts)] for _ in range(writers)]
    with ThreadPoolExecutor(writers) as pool:
        done = [one for series in pool.map(lambda one: _series(world, one, session), tags) for one in series]
    all_kept(world, [tag for series in tags for tag in series])
    for one in done:
        world.expect(one.code == 0, f"fails beside other writers: {one.err.strip()}")
    shown = json.loads(world.llm("sessions", "show", session, "--json").out)
    numbers = [one["number"] for one in shown["exchanges"]]
    world.expect(numbers == list(range(1, len(numbers) + 1)), f"numbers are not 1, 2, 3, …: {numbers}")


def all_kept(world: World, tags: Sequence[str]) -> None:
    """Expect each prompt in exactly one turn."""
    with closing(sqlite3.connect(world.log)) as db:
        prompts = [prompt for (prompt,) in db.execute("select prompt from turn_search")]
    for tag in tags:
        times = sum(answers.question(tag) in prompt for prompt in prompts)
        world.expect(times == 1, f"prompt {tag} is in {times} turns")


@fault("two writers", "2 processes with 8 prompts each in one session")
def two(world: World) -> None:
    _together(world, 2, 8)


@fault("ten writers", "10 processes with 3 prompts each in one session, starting without a log", empty=True)
def ten(world: World) -> None:
    _together(world, 10, 3)


@fault("two slow replies at once", "two terminals stream a reply in one session")
def slow(world: World) -> None:
    for asked in [world.ask("-m", "slow"), world.ask("-m", "slow")]:
        asked.running.end()
        asked.at_least = WORDS
    all_kept(world, [asked.tag for asked in world.asked])


@fault("rename and set in a reply", "`rename`, then `set --system`, `note` and `pin` between two words")
def rename(world: World) -> None:
    asked = world.ask("-m", "slow")
    asked.running.until_word(1)
    world.llm("sessions", "rename", "work", "play")
    world.llm("sessions", "set", "play", "--system", "Be brief.")
    world.llm("sessions", "note", "play", "A note.")
    world.llm("sessions", "pin", "play", "1")
    asked.running.end()
    asked.at_least = WORDS
    world.llm("sessions", "rename", "play", "work")


@fault("import during prompts", "an import of 3,000 exchanges beside six prompts", times=2)
def importing(world: World) -> None:
    file = world.folder / "many.jsonl"
    lines = [json.dumps({"prompt": f"Asked {n}", "response": f"Answered {n}. " + "text " * 50}) for n in range(3_000)]
    file.write_text("\n".join(lines), "utf-8")
    with ThreadPoolExecutor(2) as pool:
        imported = pool.submit(world.real, "sessions", "import", str(file), "--as", "many")
        for _ in range(6):
            asked = world.ask("-m", "llama3")
            asked.running.end()
            asked.at_least, asked.must_keep = SHORT, True
            world.expect(asked.running.code == 0, f"fails beside an import: {asked.running.err.strip()}")
        world.expect(imported.result().code == 0, f"the import fails: {imported.result().err.strip()}")
    with closing(sqlite3.connect(world.log)) as db:
        count = db.execute("select count(*) from turn_search where prompt like 'Asked %'").fetchone()[0]
    world.expect(count == 3_000, f"{count} of 3,000 exchanges were imported")


@fault("import killed", "SIGKILL at a random moment of an import of 1,000 exchanges", times=4)
def import_killed(world: World) -> None:
    file = world.folder / "many.jsonl"
    lines = [json.dumps({"prompt": f"Asked {n}", "response": f"Answered {n}"}) for n in range(1_000)]
    file.write_text("\n".join(lines), "utf-8")
    command = [LLM, "sessions", "import", str(file), "--as", "many"]
    running = world.start(command)
    time.sleep(world.random.uniform(0.8, 4))
    running.signal("SIGKILL")
    running.end()
    listed = world.llm("sessions", "list", "--json")
    whole = [one for one in json.loads(listed.out) if one["name"] == "many"]
    world.expect(
        not whole or len(json.loads(world.llm("sessions", "show", "many", "--json").out)["exchanges"]) == 1_000,
        "half an import is shown as a session",
    )
    again = world.llm("sessions", "import", str(file), "--as", "again")
    world.expect(again.code == 0, f"the next import fails: {again.err.strip()}")


@fault("ten sessions in one file", "10 processes, each with a session of its own, 2 prompts each", empty=True)
def sessions(world: World) -> None:
    tags = [[world.tag(), world.tag()] for _ in range(10)]
    with ThreadPoolExecutor(10) as pool:
        done = list(pool.map(lambda pair: _series(world, pair[1], f"s{pair[0]}"), enumerate(tags)))
    all_kept(world, [tag for pair in tags for tag in pair])
    for one in (one for series in done for one in series):
        world.expect(one.code == 0, f"fails beside other sessions: {one.err.strip()}")

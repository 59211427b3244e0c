"""Odd environments: closed and full streams, pipes that break, encodings, missing homes."""

from __future__ import annotations

from tests.drill.answers import SHORT
from tests.drill.fault import fault
from tests.drill.world import World

ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "LC_ALL=C": {"LC_ALL": "C", "LANG": "C"},
    "LC_ALL=C, no UTF-8 mode": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "PYTHONIOENCODING=ascii": {"PYTHONIOENCODING": "ascii"},
    "PYTHONIOENCODING=cp1252": {"PYTHONIOENCODING": "cp1252"},
    "TERM=dumb": {"TERM": "dumb", "COLUMNS": "1"},
    "TZ odd": {"TZ": "Nowhere/Atlantis"},
    "no HOME": {"HOME": None},
    "HOME missing": {"HOME": "/nonexistent/home"},
    "no PATH": {"PATH": None},
    "no LANG": {"LANG": None},
    "PYTHONOPTIMIZE": {"PYTHONOPTIMIZE": "2"},
}

READING = (
    "llm sessions",
    "llm sessions show work",
    "llm sessions context work next",
    "llm sessions search question",
    "llm sessions export work",
    "llm sessions stats",
    "llm sessions query tokens_a_day",
    "llm sessions replay work",
    "llm sessions note work",
    "llm sessions tag work",
    "llm sessions set work",
    "llm sessions summary work",
)


@fault(
    "odd environments",
    "LC_ALL=C, ascii, cp1252, no HOME, no PATH, an odd TZ, …; names and text that are not ASCII",
    times=11,
)
def environment(world: World) -> None:
    name = list(ENVIRONMENTS)[world.number % len(ENVIRONMENTS)]
    env = ENVIRONMENTS[name]
    asked = world.ask("-m", "llama3", "-s", "Antworte kürzer — 你好 🚀", env=env)
    asked.running.command += f" [{name}]"
    asked.running.end()
    asked.at_least = SHORT
    world.expect(asked.running.code == 0, f"fails with {name}: {asked.running.err.strip()}")
    world.real("sessions", "show", "work", env=env)
    world.real("sessions", "note", "work", "Grüße 🚀", env=env)
    world.real("sessions", "note", "work", env=env)
    world.real("sessions", "search", "größe", env=env)


@fault("no temporary folder", "TMPDIR that is not there")
def no_tmp(world: World) -> None:
    asked = world.ask("-m", "llama3", env={"TMPDIR": "/nonexistent"})
    asked.running.end()
    asked.at_least = SHORT


PROMPTS = {
    "| true": "{ {llm}; } | true",
    "| head -1": "{llm} | head -1",
    "| head -c 1": "{llm} | head -c 1",
    ">&-": "{llm} >&-",
    "2>&-": "{llm} 2>&-",
    ">&- 2>&-": "{llm} >&- 2>&-",
    "</dev/null >&-": "{llm} </dev/null >&-",
    "> /dev/full": "{llm} > /dev/full",
    "2> /dev/full": "{llm} 2> /dev/full",
    "> /dev/full 2>&1": "{llm} > /dev/full 2>&1",
    "ulimit -f": "ulimit -f 4; {llm} > out.txt",
}
"""What a shell may do to the streams of a prompt."""


@fault(
    "streams of a prompt",
    "`| true`, `| head -1`, closed stdout and stderr, `/dev/full`; streaming and not",
    times=22,
    needs=("full device",),
)
def prompts(world: World) -> None:
    name = list(PROMPTS)[world.number % len(PROMPTS)]
    stream = " --no-stream" if world.number >= len(PROMPTS) else ""
    line = PROMPTS[name].replace("{llm}", f"llm --session work -m slow{stream} QUESTION")
    asked = world.shell(line)
    asked.must_keep = True
    asked.at_least = SHORT if stream else 0
    world.deaf = "2>" in name or name == "ulimit -f"


@fault(
    "streams of reading commands",
    "12 commands into `| true`, `| head -1`, `>&-`, `/dev/full`",
    times=4,
    needs=("full device",),
)
def reading(world: World) -> None:
    where = (" | true", " | head -1", " >&-", " > /dev/full")[world.number]
    for line in world.some(READING):
        running = world.start(["/bin/bash", "-c", f"set -o pipefail; {line}{where}"])
        running.command = line + where
        done = running.end()
        world.done.append(done)
        if where.startswith(" |"):
            world.expect(not done.err.strip(), f"not silent: {done.command}: {done.err.strip()}")
            world.expect(done.code in {0, 141}, f"exit code {done.code}: {done.command}")


@fault("closed stdin", "`<&-`; llm itself can't begin", times=1)
def stdin(world: World) -> None:
    world.shell("llm --session work -m llama3 QUESTION <&-")


@fault(
    "bytes that are not UTF-8", "in the argument, on stdin, as a system prompt, a session's name, a fragment", times=6
)
def bytes_(world: World) -> None:
    lines = (
        r"llm --session work -m llama3 QUESTION$'\xff\xfe'",
        r"printf 'caf\xe9\n' | llm --session work -m llama3 QUESTION",
        r"llm --session work -m llama3 -s $'\xff' QUESTION",
        r"llm --session $'w\xffrk' -m llama3 QUESTION",
        r"printf '\xe9' > f.txt; llm --session work -m llama3 -f f.txt QUESTION",
        r"printf 'nul \0 and \xed\xa0\x80\n' | llm --session work -m llama3 QUESTION",
    )
    world.shell(lines[world.number])


@fault("nothing is kept under -n", "`-n`, killed with -9 and by Ctrl-C in mid-reply", times=4)
def unlogged(world: World) -> None:
    asked = world.ask("-m", "slow", "-n", recorded=False)
    asked.running.until_word(3)
    asked.running.signal(("SIGKILL", "SIGINT")[world.number % 2])
